"""Connections to one SQLite file: the writer's, and a pool for readers."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import cast

from sqlalchemy import Connection, Engine, NullPool, QueuePool, create_engine
from sqlalchemy.exc import DBAPIError

from ratelord_core.errors import StoreCorrupt, StoreError, StoreNewer
from ratelord_sql.faults import fault, path_fault
from ratelord_sql.migrations import NEWEST, migrate, schema_version

BUSY_SECONDS = 5.0
AUTOCHECKPOINT_PAGES = 1000
PAGE_BYTES = 8192
"""Twice SQLite's default: rows of events fill such pages better, which saves 4 % of the file."""


def open_readers(path: Path) -> Engine:
    """Read-only connections, one per reader at a time; idle ones are kept and shared."""
    return create_engine(
        "sqlite://",
        creator=lambda: _connect(path, "ro"),
        poolclass=QueuePool,
        pool_size=4,
        max_overflow=60,
        pool_reset_on_return=None,
        isolation_level="AUTOCOMMIT",
    )


def open_writer(path: Path) -> Connection:
    """The one connection that appends, its file created and its schema up to date.

    Every commit reaches the disk before it returns (``synchronous=FULL``).
    """
    if not path.exists():
        _create(path)
    engine = create_engine(
        "sqlite://",
        creator=lambda: _connect(path, "rw"),
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
    )
    try:
        connection = engine.connect()
    except DBAPIError as error:
        raise fault(path, "open", error) from error
    try:
        _prepare(path, connection)
    except DBAPIError as error:
        connection.close()
        raise fault(path, "open", error) from error
    except StoreError:
        connection.close()
        raise
    return connection


def driver_of(connection: Connection) -> sqlite3.Connection:
    """The driver's own connection, for statements that must cost no more than they do there."""
    return cast("sqlite3.Connection", connection.connection.driver_connection)


def be_patient(driver: sqlite3.Connection, *, patient: bool = True) -> None:
    """Whether the writer waits for another program that writes: not unless it is asked to, because
    it also writes where others would have to wait with it."""
    driver.execute(f"PRAGMA busy_timeout = {round(BUSY_SECONDS * 1000) if patient else 0}")


def refuse_unreadable(path: Path, engine: Engine) -> None:
    """Raise a ``StoreError`` unless the file holds a log that can be read as it is."""
    if not path.exists():
        raise StoreError(f"there is no log at {path}; start a daemon on it, or name one with --db")
    try:
        with engine.connect() as connection:
            version = _version(path, connection)
    except DBAPIError as error:
        raise fault(path, "read", error) from error
    if version < NEWEST:
        raise StoreError(
            f"{path} has schema version {version}, reading needs {NEWEST}; "
            "start a daemon on it once"
        )


def _version(path: Path, connection: Connection) -> int:
    """The file's schema version, if this ratelord knows it."""
    version = schema_version(connection)
    if version is None:
        raise StoreCorrupt(
            f"{path} is a database, but not a ratelord log; name another file with --db"
        )
    if version > NEWEST:
        raise StoreNewer(
            f"{path} has schema version {version}, this ratelord knows up to {NEWEST}; "
            "upgrade ratelord, or name another file with --db"
        )
    return version


def _prepare(path: Path, connection: Connection) -> None:
    version = _version(path, connection)
    connection.exec_driver_sql(f"PRAGMA page_size = {PAGE_BYTES}")  # heeded by empty files only
    mode = connection.exec_driver_sql("PRAGMA journal_mode = WAL").scalar()
    if mode != "wal":
        raise StoreError(
            f"{path} cannot keep a write-ahead log (journal mode {mode}); "
            "name a file on a local disk with --db"
        )
    connection.exec_driver_sql("PRAGMA synchronous = FULL")
    connection.exec_driver_sql(f"PRAGMA wal_autocheckpoint = {AUTOCHECKPOINT_PAGES}")
    migrate(connection, version)
    be_patient(driver_of(connection), patient=False)


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )


def _create(path: Path) -> None:
    # For its owner only: the log names people and what they do.
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise path_fault(path, error) from error
