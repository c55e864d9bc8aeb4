"""Keeps snapshots while a daemon runs, and has its log proven, both in processes beside it."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

import msgspec

from ratelord_core.daemon.aside import Done, Kind, Task, attempt
from ratelord_core.daemon.snapshots import Snapshots
from ratelord_core.errors import Conflict, RatelordError, StoreError
from ratelord_core.events.payloads import SnapshotTaken
from ratelord_core.freezing import CannotFreeze
from ratelord_core.local_arbiter import LocalArbiter
from ratelord_core.model.ids import uuid_text
from ratelord_core.model.instant import Micros
from ratelord_core.model.proof import Proof, SnapshotView
from ratelord_core.store import EventStore

_log = logging.getLogger(__name__)
WORTH: Final = 100
"""Events after the last snapshot from which the end of a daemon is worth another."""

FEW: Final = 2_000
"""Events that are read so quickly that a process of its own would take longer to start."""


class Keeper:
    """One daemon's snapshots: every so many events (``every``; 0: never by itself), on request, and
    at the end. ``task`` makes what a process beside the daemon is told."""

    def __init__(
        self,
        log: EventStore,
        snapshots: Snapshots,
        task: Callable[[Kind, int, Micros], Task],
        every: int,
    ) -> None:
        self._log = log
        self._snapshots = snapshots
        self._task = task
        self._every = every
        self._busy = asyncio.Lock()
        self._under_way: set[Kind] = set()
        self._tried = snapshots.seq
        self._taking: asyncio.Task[None] | None = None

    def watch(self, arbiter: LocalArbiter) -> None:
        """Take a snapshot if it is time; called now and then."""
        due = max(self._tried, self._snapshots.seq) + self._every
        if self._every and arbiter.journal.seq >= due and not self._under_way:
            self._tried = arbiter.journal.seq
            self._taking = asyncio.create_task(self._take_in_time(arbiter), name="snapshot")

    async def _take_in_time(self, arbiter: LocalArbiter) -> None:
        try:
            await self.take(arbiter)
        except RatelordError as error:
            _log.warning("no snapshot was taken: %s", error)

    async def take(self, arbiter: LocalArbiter) -> SnapshotView:
        """Have one taken of what is durable now. ``Conflict`` if the last one is not done yet, or
        the state cannot be frozen."""
        async with self._alone("snapshot"):
            done = await self._aside("snapshot", arbiter.journal.seq, arbiter.now())
            if done.taken is None:
                raise Conflict(f"no snapshot: {done.error}", code="no_snapshot")
            arbiter.engine.write(arbiter.now(), done.taken)
            drafts = arbiter.engine.take()
            await arbiter.journal.write(drafts)
            await asyncio.to_thread(self._snapshots.adopt, done.taken)
        named = next(one for one in drafts if one.payload is done.taken)
        taken = done.taken
        return SnapshotView(taken.position, taken.digest, taken.size, uuid_text(named.event_id))

    async def prove(self, seq: int, now: Micros) -> Proof:
        """What the log up to ``seq`` proves, and yields at ``now``."""
        async with self._alone("prove"):
            done = await self._aside("prove", seq, now)
        if done.proof is None:
            raise StoreError(f"the log could not be proven: {done.error}")
        return done.proof

    def offer(self, arbiter: LocalArbiter) -> SnapshotTaken | None:
        """Offer a snapshot of the state as it is, all of it durable and nobody asking, and write
        down that it is there; None if that is not worth it or cannot be done, and if a plugin
        failed that has a memory: the log alone tells what it should know."""
        state = arbiter.engine.state
        if arbiter.journal.seq - self._snapshots.seq < WORTH:
            return None
        if state.book.faltered() or any(state.pacing.failures()):
            _log.info("no snapshot was taken: a forecast model or a controller failed meanwhile")
            return None
        try:
            taken = self._snapshots.offer(state, self._log.head())
        except (CannotFreeze, StoreError) as error:
            _log.warning("no snapshot was taken: %s", error)
            return None
        arbiter.engine.write(arbiter.now(), taken)
        return taken

    def adopt(self, taken: SnapshotTaken) -> None:
        """Use what was offered; the log names it now."""
        try:
            self._snapshots.adopt(taken)
        except StoreError as error:
            _log.warning("the snapshot is not used: %s", error)

    async def cancel(self) -> None:
        """Take none any more."""
        if self._taking is not None:
            self._taking.cancel()
            with suppress(asyncio.CancelledError):
                await self._taking

    @asynccontextmanager
    async def _alone(self, kind: Kind) -> AsyncIterator[None]:
        """One of each kind, and one after the other."""
        if kind in self._under_way:
            raise Conflict("the same is under way already; ask again after that", code="busy")
        self._under_way.add(kind)
        try:
            async with self._busy:
                yield
        finally:
            self._under_way.discard(kind)

    async def _aside(self, kind: Kind, seq: int, now: Micros) -> Done:
        task = self._task(kind, seq, now)
        if seq < FEW:
            return await asyncio.to_thread(attempt, task)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "ratelord_core.daemon.aside",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            told, _ = await process.communicate(msgspec.json.encode(task))
        except BaseException:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise
        try:
            return msgspec.json.decode(told, type=Done)
        except msgspec.DecodeError:
            return Done(error=f"its process ended with {process.returncode}")
