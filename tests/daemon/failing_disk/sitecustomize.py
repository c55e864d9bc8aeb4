"""A disk that fails on demand: the database driver's connection, made to refuse what is written.

A daemon that is started with this folder on PYTHONPATH reads before each insert and each commit what
is to happen from the file that FAILING_DISK names: ``fsync`` (the flush fails, nothing was written),
``unknown`` (it fails, and everything was written all the same), ``read-only`` (SQLite itself refuses
the insert), or nothing.
"""

import os
import sqlite3
from functools import partial
from pathlib import Path

FAULT = Path(os.environ.get("FAILING_DISK", "no such file"))


class FailingConnection(sqlite3.Connection):
    """A connection whose inserts meet with what the file says."""

    def execute(self, statement, *values):
        if not statement.startswith("INSERT INTO events"):
            return super().execute(statement, *values)
        fault = asked_for()
        super().execute(f"PRAGMA query_only = {'ON' if fault == 'read-only' else 'OFF'}")
        if not self.in_transaction and fault == "fsync":
            fail()
        done = super().execute(statement, *values)
        if not self.in_transaction and fault == "unknown":
            fail()
        return done

    def commit(self):
        fault = asked_for()
        if fault == "fsync":
            fail()
        super().commit()
        if fault == "unknown":
            fail()


def asked_for():
    try:
        return FAULT.read_text()
    except FileNotFoundError:
        return ""


def fail():
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
    raise error


sqlite3.connect = partial(sqlite3.connect, factory=FailingConnection)
