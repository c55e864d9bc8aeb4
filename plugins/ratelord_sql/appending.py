"""Appending a batch with as few statements as can be, by the driver itself.

The driver lets go of the interpreter five times for each statement, and queues for it afterwards.
Beside an event loop that is busy that is the larger part of an append. So all rows are one
statement; and where the loop itself stages them, in memory and with nobody to queue behind, only
the commit is left for a thread, for which the driver lets go once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from ratelord_core.events.record import Record

MAX_ROWS: Final = 128
"""Rows of one statement: SQLite keeps about 1 KB for each row of every length that was used."""

_ROW: Final = "(?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0))"


def append(driver: sqlite3.Connection, records: Sequence[Record]) -> None:
    """Commit the records, all or none; after an error a transaction may be left to roll back.

    The connection must be in autocommit mode.
    """
    if len(records) <= MAX_ROWS:
        _insert(driver, records)
        return
    driver.execute("BEGIN IMMEDIATE")
    for at in range(0, len(records), MAX_ROWS):
        _insert(driver, records[at : at + MAX_ROWS])
    driver.execute("COMMIT")


def stage(driver: sqlite3.Connection, records: Sequence[Record]) -> None:
    """Insert the records in a transaction that is left open, to be committed; the same after an
    error. The disk has no part in it: what is inserted stays in memory until then."""
    driver.execute("BEGIN")
    for at in range(0, len(records), MAX_ROWS):
        _insert(driver, records[at : at + MAX_ROWS])


def _insert(driver: sqlite3.Connection, records: Sequence[Record]) -> None:
    values: list[int | str | bytes | bytearray] = []
    for record in records:
        # Bytearrays, and 0 for None: for bytes and None the driver looks for an adapter each time,
        # which takes several times as long as this copy and the binding together.
        values += (
            record.seq,
            bytearray(record.event_id),
            record.event_type,
            record.ts_ingest,
            bytearray(record.correlation_id),
            bytearray(record.body),
            bytearray(record.salt),
            bytearray(record.chain),
            record.digest or 0,
        )
    driver.execute(_statement(len(records)), values)


@lru_cache(maxsize=MAX_ROWS)
def _statement(rows: int) -> str:
    return f"INSERT INTO events VALUES {', '.join([_ROW] * rows)}"  # noqa: S608 - constants only
