"""Group commit: many callers, one durable append, then their answers.

A batch is whatever queued while the last commit ran, so a lone caller waits for one commit only,
and a crowd shares one. It does not linger: waiting for company costs more than it brings. A thread
waits for the disk, unless that is so quick that the loop itself may.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any, TypeVar

from ratelord_core.clock import Clock
from ratelord_core.distribution import SIZES, SPANS, Distribution
from ratelord_core.errors import StoreError, Unavailable
from ratelord_core.events.codec import Sealer
from ratelord_core.events.envelope import Draft
from ratelord_core.events.record import Record
from ratelord_core.log_writer import Batch, LogWriter, Write
from ratelord_core.store import EventStore, Head

Records = tuple[Record, ...]
Told = TypeVar("Told")
Listener = Callable[[Records], None]
FailureListener = Callable[[StoreError], None]

MAX_WRITES = 512
"""Writes that share a commit at most, so that the first of a large crowd is not kept waiting."""
_log = logging.getLogger(__name__)


class Journal:
    """Writes events down, in the order in which ``write`` was called.

    Belongs to the event loop on which ``start`` was called; every method is called there. The
    sealer is used on the writer's thread too, so its entropy must be its own. A failed append
    leaves the journal ``failed``: what was decided since is not in the log, so the owner rebuilds
    its state from the log, and then calls ``reopen``.
    """

    def __init__(
        self,
        store: EventStore,
        sealer: Sealer,
        clock: Clock,
        *,
        on_failure: FailureListener | None = None,
    ) -> None:
        head = store.head()
        if (sealer.seq, sealer.chain) != (head.seq, head.chain):
            raise StoreError(
                f"the log ends at event {head.seq}, the sealer stands at {sealer.seq}; "
                "rebuild the state from the log first"
            )
        self._writer = LogWriter(store, sealer, clock, head.ts_ingest)
        self._on_failure = on_failure
        self._listeners: list[Listener] = []
        self._waiting: list[Write] = []
        self._in_flight = 0
        self._untold = 0
        self._scheduled = False
        self._closed = False
        self._idle: list[asyncio.Future[None]] = []
        self._batches: SimpleQueue[Batch | None] = SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self.failed: StoreError | None = None
        """Why nothing can be written now; None while all is well."""
        self.seq = self.handed = sealer.seq
        """The newest durable event, and the newest that was handed in."""
        self.batches = 0
        """Commits so far."""
        self.last_batch = 0
        """Events of the last commit."""
        self.sizes, self.spans = Distribution(SIZES), Distribution(SPANS)
        """Events of each commit, and how long each took, in µs."""

    @property
    def queued(self) -> int:
        """Writes that are not durable yet."""
        return len(self._waiting) + self._in_flight

    def start(self) -> None:
        """Begin to write; call it once, on the loop."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(
            target=self._run, args=(self._loop,), name="ratelord-journal", daemon=True
        )
        self._thread.start()

    def on_commit(self, listener: Listener) -> Callable[[], None]:
        """Tell a listener of every batch once it is durable and its callers have their answers.

        Returns what takes the listener off again. What it raises is logged and goes no further.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def write(self, drafts: Sequence[Draft]) -> asyncio.Future[Records]:
        """Have events written down, next to each other; the future has them once they are durable.

        Cancelling the future abandons the answer, not the events. Raises ``Unavailable`` at once,
        or through the future, if the store does not write (``read_only``) or after ``close``
        (``shutting_down``).
        """
        return self._enqueue(drafts, None)

    def write_for(self, drafts: Sequence[Draft], told: Told) -> asyncio.Future[Told]:
        """Like ``write``, for a caller who has its answer (not None) and waits only until it may
        say so: the future has ``told`` once the events are durable."""
        return self._enqueue(drafts, told)

    def _enqueue(self, drafts: Sequence[Draft], told: Any) -> asyncio.Future[Any]:
        if self.failed is not None:
            raise _read_only(self.failed)
        if self._closed or self._loop is None:
            state = "closed" if self._closed else "not started yet"
            raise Unavailable(f"the journal is {state}; ask again later", code="shutting_down")
        self.handed += len(drafts)
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.append(Write(drafts, answer, told))
        if not self._in_flight and not self._scheduled:
            # At the end of this turn of the loop, so that all its callers share the commit.
            self._scheduled = True
            self._loop.call_soon(self._hand_over)
        return answer

    async def drain(self) -> None:
        """Wait until nothing is queued: all is durable and told to the listeners, or ``failed``."""
        if self._loop is not None and (self.queued or self._untold):
            idle: asyncio.Future[None] = self._loop.create_future()
            self._idle.append(idle)
            await idle

    async def close(self) -> None:
        """Take no more events, finish those queued, end the thread. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        await self.drain()
        if self._thread is not None:
            self._batches.put(None)
            self._thread.join()

    def reopen(self, head: Head) -> None:
        """Write again after a failure, following what is truly the end of the log."""
        if self._in_flight:
            raise RuntimeError("the journal is still writing; reopen it after it has failed")
        self._writer.go_on_after(head.seq, head.chain, head.ts_ingest)
        self.seq = self.handed = head.seq
        self.failed = None

    def _hand_over(self) -> None:
        self._scheduled = False
        writes, self._waiting = self._waiting[:MAX_WRITES], self._waiting[MAX_WRITES:]
        self._in_flight = len(writes)
        if not writes or self._loop is None:
            return
        batch = self._writer.begin(writes)
        if batch.done:
            self._loop.call_soon(self._settle, batch)
        else:
            self._batches.put(batch)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        while (batch := self._batches.get()) is not None:
            self._writer.finish(batch)
            try:
                loop.call_soon_threadsafe(self._settle, batch)
            except RuntimeError:
                return  # the loop is gone, and with it everybody who waited

    def _settle(self, batch: Batch) -> None:
        self._in_flight = 0
        if batch.error is not None:
            self._writer.go_on_after(*batch.before)
            self._fail(batch.writes, batch.error)
            return
        records, at = batch.records, 0
        self.batches += 1
        self.last_batch = len(records)
        self.sizes.note(len(records))
        self.spans.note(batch.took)
        self.seq += len(records)
        quick = self._writer.is_quick
        if not quick:
            self._hand_over()
        for write in batch.writes:
            end = at + len(write.drafts)
            if not write.answer.done():
                told = records[at:end] if write.told is None else write.told
                write.answer.set_result(told)
            at = end
        # The loop runs callbacks in this order: first whoever has an answer now, then listeners.
        self._untold += 1
        loop = asyncio.get_running_loop()
        loop.call_soon(self._tell, records)
        if quick and self._waiting:
            # Answers first: they are on their way before the loop waits for the next commit.
            self._scheduled = True
            loop.call_soon(loop.call_soon, self._hand_over)

    def _tell(self, records: Records) -> None:
        for listener in tuple(self._listeners) if records else ():
            try:
                listener(records)
            except Exception:  # noqa: BLE001 - a listener's trouble is never its neighbours'
                _log.exception(
                    "a listener failed on events up to %d: %r", records[-1].seq, listener
                )
        self._untold -= 1
        self._rest()

    def _fail(self, writes: list[Write], error: StoreError) -> None:
        self.failed = error
        lost, self._waiting = writes + self._waiting, []
        for write in lost:
            if not write.answer.done():
                write.answer.set_exception(_read_only(error))
                # Told even if nobody awaits it, else the loop complains when it is collected.
                write.answer.exception()
        _log.error("%d writes were lost: %s", len(lost), error)
        self._rest()
        if self._on_failure is not None:
            self._on_failure(error)

    def _rest(self) -> None:
        if self.queued or self._untold:
            return
        idle, self._idle = self._idle, []
        for waiter in idle:
            if not waiter.done():
                waiter.set_result(None)


def _read_only(error: StoreError) -> Unavailable:
    refusal = Unavailable(
        f"nothing can be written: {error}; ask again once that is repaired", code="read_only"
    )
    refusal.__cause__ = error
    return refusal


def at_once(found: Told) -> asyncio.Future[Told]:
    """What waits for no commit, because nothing is to be written down."""
    answer: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
    answer.set_result(found)
    return answer
