"""Writes one batch after the other to the log: on the loop while the disk is quick, else on a
thread.

Two threads that take turns at one interpreter spend more on taking turns than on a batch, and who
waits for his turn beside a busy loop waits longer than for a quick disk. So what needs the
interpreter is done on the loop, where the store allows that; and the commit itself as well, as long
as commits take less than handing them over does. A slow one is followed by a time in which the
thread waits for the disk, so that nobody else has to: at most a tenth of the loop's time can go
into slow commits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from ratelord_core.clock import Clock
from ratelord_core.errors import StoreError
from ratelord_core.events.codec import Sealer
from ratelord_core.events.envelope import Draft
from ratelord_core.events.record import Record
from ratelord_core.model.instant import Micros
from ratelord_core.store import EventStore, StagingEventStore

MAX_STAGED: Final = 512
"""Events that are sealed and staged on the loop at most: more would keep others waiting."""
QUICK: Final[Micros] = 1000
"""A commit that takes longer is not waited for on the loop."""
_WARINESS: Final = 10
"""How many times as long as a slow commit none is waited for there."""


class Write(msgspec.Struct, gc=False):
    """What one caller wants written, and where the answer goes."""

    drafts: Sequence[Draft]
    answer: asyncio.Future[Any]
    told: Any = None
    """What the answer says once all is durable; None for the records themselves."""


class Batch(msgspec.Struct):
    """Writes that share a commit, and what became of them: the records of all, or why there are
    none."""

    writes: list[Write]
    before: tuple[int, bytes, Micros]
    """Where the log ended: seq, chain and time."""
    records: tuple[Record, ...] = ()
    staged: bool = False
    """Whether the store has the records, and only has to commit them."""
    done: bool = False
    """Whether there is nothing left to be done on the thread."""
    error: StoreError | None = None
    began: Micros = 0
    took: Micros = 0
    """µs that it took to write them."""


class LogWriter:
    """Seals batches and hands them to the store. One batch at a time: ``begin`` on the loop and,
    unless it is done then, ``finish`` on the thread; what fails is told by the batch."""

    def __init__(self, store: EventStore, sealer: Sealer, clock: Clock, newest: Micros) -> None:
        self._store = store
        self._staging = store if isinstance(store, StagingEventStore) else None
        self._sealer = sealer
        self._clock = clock
        self._newest = newest
        self._wary_until: Micros = 0

    @property
    def is_quick(self) -> bool:
        """Whether the next batch is likely to be done as soon as it is begun."""
        return self._staging is not None and self._clock.now() >= self._wary_until

    def begin(self, writes: list[Write]) -> Batch:
        """The batch of those writes; what need not wait for anything is done."""
        sealer = self._sealer
        batch = Batch(writes, (sealer.seq, sealer.chain, self._newest))
        if self._staging is not None and sum(len(one.drafts) for one in writes) <= MAX_STAGED:
            _try(self._stage, batch)
            if batch.staged and self.is_quick:
                _try(self._commit_here, batch)
                batch.done = True
            else:
                batch.done = batch.error is not None
        return batch

    def finish(self, batch: Batch) -> None:
        """Make it durable."""
        _try(self._commit, batch)

    def go_on_after(self, seq: int, chain: bytes, newest: Micros) -> None:
        """The log ends there."""
        self._sealer.seq, self._sealer.chain, self._newest = seq, chain, newest

    def _stage(self, batch: Batch) -> None:
        self._seal(batch)
        if batch.records and self._staging is not None:
            batch.staged = self._staging.stage(batch.records)

    def _commit_here(self, batch: Batch) -> None:
        since = self._clock.now()
        self._commit(batch)
        ended = self._clock.now()
        if ended - since > QUICK:
            self._wary_until = ended + _WARINESS * (ended - since)

    def _commit(self, batch: Batch) -> None:
        if batch.staged and self._staging is not None:
            self._staging.commit()
        else:
            if not batch.began:
                self._seal(batch)
            self._store.append(batch.records)
        batch.took = self._clock.now() - batch.began

    def _seal(self, batch: Batch) -> None:
        batch.began = self._clock.now()
        self._newest = max(self._newest, batch.began)
        drafts = [draft for write in batch.writes for draft in write.drafts]
        batch.records = tuple(self._sealer.seal_all(drafts, self._newest))


def _try(step: Callable[[Batch], None], batch: Batch) -> None:
    try:
        step(batch)
    except Exception as error:  # noqa: BLE001 - whoever waits must hear of any failure
        batch.error = _as_store_error(error)


def _as_store_error(error: Exception) -> StoreError:
    if isinstance(error, StoreError):
        return error
    wrapped = StoreError(f"an event cannot be written: {type(error).__name__}: {error}")
    wrapped.__cause__ = error
    return wrapped
