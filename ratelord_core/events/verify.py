"""Proves that a log is what was written: every link of the chain, every body, no gap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import msgspec

from ratelord_core.events.codec import open_record
from ratelord_core.events.record import GENESIS, Record, chain_of
from ratelord_core.model.instant import Micros


class Place(Protocol):
    """A place in the log: an anchor, or the record that stands there."""

    @property
    def seq(self) -> int: ...
    @property
    def chain(self) -> bytes: ...
    @property
    def ts_ingest(self) -> Micros: ...


class Anchor(msgspec.Struct, frozen=True):
    """A place in the log that is trusted: verification goes on from there."""

    seq: int = 0
    chain: bytes = GENESIS
    ts_ingest: Micros = 0


BEGINNING = Anchor()
"""Before the first event."""


class Fault(msgspec.Struct, frozen=True):
    """The first record that is not what was written.

    ``kind``: gap (seq), time (it went backwards), digest (kept although nothing was erased),
    type (a column holds text for bytes, or the like), chain (a column was changed), body (it
    cannot be read).
    """

    seq: int
    kind: str
    detail: str


class VerifyReport(msgspec.Struct, frozen=True):
    """How far the log is proven. ``newest`` is the last good place, an anchor for the next time.

    A chain cannot miss its own tail: if the newest events were cut off, what is left verifies.
    Only comparing ``newest`` with one noted elsewhere earlier shows that.
    """

    count: int
    redacted: int
    newest: Anchor
    fault: Fault | None = None

    @property
    def intact(self) -> bool:
        """Whether every record was as written."""
        return self.fault is None


class FaultyError(Exception):
    """The first record that is not what was written."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.detail)
        self.fault = fault


class Walk:
    """Records on their way to a state, each checked before it is believed."""

    def __init__(self) -> None:
        self.newest: Place = BEGINNING
        self.redacted = 0

    def along(self, records: Iterable[Record]) -> Iterator[Record]:
        """The same records, up to the first fault, which is a ``FaultyError``. Bodies are not read:
        they are when they are replayed."""
        for record in records:
            fault = check_link(record, self.newest)
            if fault is not None:
                raise FaultyError(fault)
            self.newest = record
            self.redacted += record.digest is not None
            yield record


def verify(records: Iterable[Record], anchor: Anchor = BEGINNING) -> VerifyReport:
    """Walk records in order of seq, from just after the anchor, up to the first fault.

    Nothing is kept in memory. A redacted record is proven by its kept digest: its place, time and
    type are certain, its blanked body is not.
    """
    count = redacted = 0
    for record in records:
        fault = check(record, anchor)
        if fault is not None:
            return VerifyReport(count, redacted, anchor, fault)
        count += 1
        redacted += record.digest is not None
        anchor = Anchor(record.seq, record.chain, record.ts_ingest)
    return VerifyReport(count, redacted, anchor)


def check(record: Record, before: Place) -> Fault | None:
    """What is wrong with a record that should follow the one before it, if anything."""
    fault = check_link(record, before)
    if fault is not None:
        return fault
    try:
        open_record(record)
    except (msgspec.MsgspecError, ValueError, LookupError) as error:
        return Fault(record.seq, "body", f"{record.event_type} cannot be read: {error}")
    return None


def check_link(record: Record, before: Place) -> Fault | None:
    """The same without reading the body: place, time and chain only."""
    seq = record.seq
    if seq != before.seq + 1:
        return Fault(seq, "gap", f"event {before.seq + 1} was expected after {before.seq}")
    try:
        return _check_values(record, before)
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        # Databases and foreign stores can hold any type in any column.
        return Fault(seq, "type", f"a column holds what is never written there: {error}")


def _check_values(record: Record, before: Place) -> Fault | None:
    seq = record.seq
    if record.ts_ingest < before.ts_ingest:
        behind = before.ts_ingest - record.ts_ingest
        return Fault(seq, "time", f"written {behind} µs before the event that it follows")
    if record.digest is not None and record.salt:
        return Fault(seq, "digest", "a digest is kept although the salt was not erased")
    if chain_of(before.chain, seq, record.proof()) != record.chain:
        return Fault(seq, "chain", "the stored bytes do not yield the stored chain")
    return None
