"""An event log in one SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from ratelord_core.errors import StoreError
from ratelord_core.events.record import Record
from ratelord_core.store import EventQuery, Head
from ratelord_sql import appending, reading
from ratelord_sql.faults import fault, is_busy, path_fault
from ratelord_sql.lock import DaemonLock
from ratelord_sql.opening import (
    PAGE_BYTES,
    be_patient,
    driver_of,
    open_readers,
    open_writer,
    refuse_unreadable,
)

_WAL_HEADER = 32
_WAL_FRAME = 24 + PAGE_BYTES
"""Bytes of a page in the write-ahead file, with the frame around it."""


class SqliteEventStore:
    """The log in the file at ``path``: appended by one thread, read by any.

    ``exclusive`` creates the file if need be and takes the one-daemon lock; otherwise the log is
    only read, beside the daemon that may be writing it.
    """

    def __init__(self, path: Path, *, exclusive: bool = True) -> None:
        self.path = path.resolve()
        self._lock: DaemonLock | None = None
        self._writer: Connection | None = None
        self._readers = open_readers(self.path)  # connects to nothing yet
        try:
            if exclusive:
                self._lock = DaemonLock(self.path)
                self._writer = open_writer(self.path)
            refuse_unreadable(self.path, self._readers)
            self._newest = self.head()
            self._staged: Head | None = None
        except OSError as error:
            self._let_go()
            raise path_fault(self.path, error) from error
        except BaseException:
            self._let_go()
            raise

    def append(self, records: Sequence[Record]) -> None:
        """Commit the records in one transaction, flushed to the disk."""
        if not records:
            return
        driver = self._driver_for(records)
        try:
            be_patient(driver)
            appending.append(driver, records)
        except sqlite3.Error as error:
            self._undo(driver)
            raise fault(self.path, "write", error) from error
        finally:
            be_patient(driver, patient=False)
        self._newest = _head(records)

    def stage(self, records: Sequence[Record]) -> bool:
        """Insert the records in a transaction for ``commit``; False if somebody else writes."""
        driver = self._driver_for(records)
        try:
            appending.stage(driver, records)
        except sqlite3.Error as error:
            busy = is_busy(error)
            self._undo(driver)
            if busy:
                return False
            raise fault(self.path, "write", error) from error
        self._staged = _head(records)
        return True

    def commit(self) -> None:
        """Commit what was staged, flushed to the disk."""
        if self._writer is None or self._staged is None:
            raise StoreError(f"cannot write {self.path}: nothing is staged")
        driver = driver_of(self._writer)
        newest, self._staged = self._staged, None
        try:
            driver.commit()
        except sqlite3.Error as error:
            self._undo(driver)
            raise fault(self.path, "write", error) from error
        self._newest = newest

    def _driver_for(self, records: Sequence[Record]) -> sqlite3.Connection:
        """The driver, for records that follow the newest."""
        if self._writer is None:
            raise StoreError(f"cannot write {self.path}: it is open for reading only")
        self._refuse_what_does_not_follow(records)
        return driver_of(self._writer)

    def head(self) -> Head:
        """The end of the log, read from the file."""
        try:
            with self._readers.connect() as connection:
                return reading.head_of(connection)
        except DBAPIError as error:
            raise fault(self.path, "read", error) from error

    def read(self, query: EventQuery) -> Iterator[Record]:
        """Records that match and were there when the first of them was asked for."""
        try:
            yield from reading.read(self._readers, query)
        except (DBAPIError, sqlite3.Error) as error:
            raise fault(self.path, "read", error) from error

    def find(self, event_id: bytes) -> Record | None:
        """The record of a UUIDv7 that was written within a minute of the time it carries."""
        try:
            with self._readers.connect() as connection:
                return reading.find(connection, event_id)
        except DBAPIError as error:
            raise fault(self.path, "read", error) from error

    def checkpoint_lag(self) -> int:
        """Pages of the write-ahead file: at most so many are not yet folded in.

        The file is reused, not shrunk; it grows far past its usual 1,000 pages only if a long
        read, or a full disk, keeps pages from being folded in.
        """
        ahead = self.path.with_name(self.path.name + "-wal")
        try:
            return max(0, ahead.stat().st_size - _WAL_HEADER) // _WAL_FRAME
        except FileNotFoundError:
            return 0

    def close(self) -> None:
        """Fold everything into the main file and free the lock."""
        self._let_go()

    def _let_go(self) -> None:
        self._readers.dispose()
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._lock is not None:
            self._lock.release()

    def _undo(self, driver: sqlite3.Connection) -> None:
        # SQLite itself has rolled back after most failures; the next append would tell if not.
        with suppress(sqlite3.Error):
            driver.execute("ROLLBACK")
        with suppress(StoreError):
            self._newest = self.head()

    def _refuse_what_does_not_follow(self, records: Sequence[Record]) -> None:
        seq, ts_ingest = self._newest.seq, self._newest.ts_ingest
        for record in records:
            if record.seq != seq + 1 or record.ts_ingest < ts_ingest:
                raise StoreError(
                    f"cannot write {self.path}: event {record.seq} at {record.ts_ingest} does not "
                    f"follow event {seq} at {ts_ingest}; rebuild from the log and try again"
                )
            seq, ts_ingest = record.seq, record.ts_ingest


def _head(records: Sequence[Record]) -> Head:
    newest = records[-1]
    return Head(newest.seq, newest.chain, newest.ts_ingest)
