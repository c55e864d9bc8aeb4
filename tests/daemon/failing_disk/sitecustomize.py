"""A disk that fails on demand: the database driver's connection, made to refuse what is written.

A daemon that is started with this folder on PYTHONPATH reads before each insert what is to happen
from the file that FAILING_DISK names: ``fsync`` (the flush fails, nothing was written), ``unknown``
(it fails, and everything was written all the same), ``read-only`` (SQLite itself refuses), or
nothing.
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
        fault = FAULT.read_text() if FAULT.exists() else ""
        super().execute(f"PRAGMA query_only = {'ON' if fault == 'read-only' else 'OFF'}")
        if fault == "unknown":
            super().execute(statement, *values)
        if fault in {"fsync", "unknown"}:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
            raise error
        return super().execute(statement, *values)


sqlite3.connect = partial(sqlite3.connect, factory=FailingConnection)
