"""An event store in memory: for tests and simulations, gone with the process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from ratelord_core.errors import StoreError, StoreLocked
from ratelord_core.events.record import Record
from ratelord_core.store import EventQuery, Head


class MemoryEventStore:
    """A log in a list. Hand ``records`` from one store to the next to "reopen" the same log."""

    def __init__(self, records: list[Record] | None = None) -> None:
        self.records: list[Record] = [] if records is None else records

    def append(self, records: Sequence[Record]) -> None:
        """Take the records, all or none."""
        newest = self.head()
        for record in records:
            if record.seq != newest.seq + 1 or record.ts_ingest < newest.ts_ingest:
                raise StoreError(
                    f"event {record.seq} at {record.ts_ingest} does not follow event "
                    f"{newest.seq} at {newest.ts_ingest}; rebuild from the log and try again"
                )
            newest = Head(record.seq, record.chain, record.ts_ingest)
        self.records.extend(records)

    def head(self) -> Head:
        """The end of the log."""
        if not self.records:
            return Head()
        newest = self.records[-1]
        return Head(newest.seq, newest.chain, newest.ts_ingest)

    def read(self, query: EventQuery) -> Iterator[Record]:
        """Records that match and were there when the first of them was asked for."""
        present = self.records[: len(self.records)]
        ordered = reversed(present) if query.newest_first else iter(present)
        yield from islice((record for record in ordered if matches(record, query)), query.limit)

    def find(self, event_id: bytes) -> Record | None:
        """The record of an event id."""
        return next((record for record in self.records if record.event_id == event_id), None)

    def checkpoint_lag(self) -> int:
        """Nothing is ever ahead of memory."""
        return 0

    def close(self) -> None:
        """Nothing to release."""


class MemoryStores:
    """Opens logs in memory, one per path, kept as long as this object: a store factory."""

    name = "memory"

    def __init__(self) -> None:
        self._logs: dict[Path, list[Record]] = {}
        self._in_use: set[Path] = set()

    def open_events(self, path: Path, *, exclusive: bool = True) -> MemoryEventStore:
        """The log of that path; the same records for every store opened on it."""
        if exclusive and path in self._in_use:
            raise StoreLocked(f"{path} is in use; close the other store first")
        if not exclusive and path not in self._logs:
            raise StoreError(f"cannot open {path}: there is no such log; open it for writing first")
        if exclusive:
            self._in_use.add(path)
        return _OpenLog(self._logs.setdefault(path, []), self._in_use, path, exclusive)


class _OpenLog(MemoryEventStore):
    """A log that its factory knows to be open."""

    def __init__(
        self, records: list[Record], in_use: set[Path], path: Path, exclusive: bool
    ) -> None:
        super().__init__(records)
        self._in_use, self._path, self._exclusive = in_use, path, exclusive

    def append(self, records: Sequence[Record]) -> None:
        if not self._exclusive:
            raise StoreError(f"cannot write {self._path}: it is open for reading only")
        super().append(records)

    def close(self) -> None:
        if self._exclusive:
            self._exclusive = False
            self._in_use.discard(self._path)


def matches(record: Record, query: EventQuery) -> bool:
    """Whether a record is among those that a query wants, its order and limit aside."""
    return (
        record.seq > query.after
        and (query.before is None or record.seq < query.before)
        and (query.since is None or record.ts_ingest >= query.since)
        and (query.until is None or record.ts_ingest < query.until)
        and (not query.types or record.event_type in query.types)
        and (query.correlation_id is None or record.correlation_id == query.correlation_id)
    )
