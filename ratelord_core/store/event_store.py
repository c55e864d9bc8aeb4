"""The event store's protocol: append, read, nothing else.

Every method blocks, but for ``stage``; the journal calls ``append`` and ``commit`` from its one
writer thread, readers are called from worker threads and use connections of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec

from ratelord_core.events.record import GENESIS, Record
from ratelord_core.model.instant import Micros
from ratelord_core.store.snapshot_store import SnapshotStore


class Head(msgspec.Struct, frozen=True):
    """The end of the log: what the next record must follow."""

    seq: int = 0
    chain: bytes = GENESIS
    ts_ingest: Micros = 0


class EventQuery(msgspec.Struct, frozen=True):
    """Which records a reader wants; None = any. ``after``/``before`` are exclusive bounds of seq,
    ``since``/``until`` bounds of ``ts_ingest`` (since inclusive, until exclusive)."""

    after: int = 0
    before: int | None = None
    since: Micros | None = None
    until: Micros | None = None
    types: tuple[str, ...] = ()
    correlation_id: bytes | None = None
    newest_first: bool = False
    limit: int | None = None


class EventStore(Protocol):
    """An append-only log with gapless ``seq`` from 1."""

    def append(self, records: Sequence[Record]) -> None:
        """Make the records durable, all or none, before returning.

        Raises ``StoreError`` when they are not durable; the log is then as it was before.
        """
        ...

    def head(self) -> Head:
        """The end of the log."""
        ...

    def read(self, query: EventQuery) -> Iterator[Record]:
        """Records that match and were there when the first was asked for, in order of ``seq`` (or
        reversed), a few at a time in memory. Safe beside appends, and in any thread.

        Records of a ``correlation_id`` are found fast; its ``intent_decided`` only if it was
        written like ``find`` wants it, by the time that the correlation id carries.
        """
        ...

    def find(self, event_id: bytes) -> Record | None:
        """The record of an event id, without scanning the log: a UUIDv7 that was made at most a
        minute before its event was written."""
        ...

    def checkpoint_lag(self) -> int:
        """Pages (or records) written but not yet folded into the main file."""
        ...

    def close(self) -> None:
        """Release files and locks; a second call does nothing."""
        ...


@runtime_checkable
class StagingEventStore(EventStore, Protocol):
    """An event store whose appends come in two steps, so that the daemon's loop can do what needs
    the interpreter, and a thread needs it only to hear that the disk is done. Optional."""

    def stage(self, records: Sequence[Record]) -> bool:
        """Take records that ``commit`` is to make durable. Called on the loop, so it waits for
        nothing: False, with nothing done, if it would have to; they are appended then.

        Raises ``StoreError`` when they cannot be taken; the log is then as it was before. Nobody
        sees them yet; nothing else is staged or appended before ``commit``.
        """
        ...

    def commit(self) -> None:
        """Make durable what was staged, all or none, before returning. Called on a thread.

        Raises ``StoreError`` when it is not durable; the log is then as it was before.
        """
        ...


class StoreFactory(Protocol):
    """Opens one kind of event store."""

    name: str

    def open_events(self, path: Path, *, exclusive: bool = True) -> EventStore:
        """Open (and create) the log. ``exclusive`` takes the one-daemon lock; without it the log
        is opened beside a running daemon, for reading only.

        Raises ``StoreError`` with the path and the next step: locked, corrupt, newer, unwritable.
        """
        ...

    def open_snapshots(self, path: Path) -> SnapshotStore:
        """Where snapshots of the log at ``path`` are kept. Touches nothing yet."""
        ...
