"""After the store failed: rebuild what the log really holds, and try until it writes again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import anyio.to_thread

from ratelord_core.engine import State
from ratelord_core.errors import RatelordError, StoreError
from ratelord_core.events.payloads import SystemStatusChanged
from ratelord_core.local_arbiter import LocalArbiter
from ratelord_core.store import EventStore

_log = logging.getLogger(__name__)
_PAUSE = 1.0


class Recovery:
    """Brings a daemon whose store failed back, without a restart."""

    def __init__(self, store: EventStore, rebuild: Callable[[], State]) -> None:
        self._store = store
        self._rebuild = rebuild
        self._arbiter: LocalArbiter | None = None
        self._configure: Callable[[], Awaitable[None]] | None = None
        self._task: asyncio.Task[None] | None = None

    def serve(self, arbiter: LocalArbiter, configure: Callable[[], Awaitable[None]]) -> None:
        """Bring this arbiter back when its store fails. ``configure`` writes down again what is in
        force: what the failure lost may have been that."""
        self._arbiter, self._configure = arbiter, configure

    def begin(self, error: StoreError) -> None:
        """The journal failed: start trying (once)."""
        _log.error("read-only: %s", error)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="recovery")

    def cancel(self) -> None:
        """Give up: the daemon stops."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        recovered = False
        while not recovered:
            recovered = await self._attempt() or await asyncio.sleep(_PAUSE, result=False)
        _log.warning("the store writes again")

    async def _attempt(self) -> bool:
        arbiter, configure = self._arbiter, self._configure
        if arbiter is None or configure is None:
            return False
        try:
            state = await anyio.to_thread.run_sync(self._rebuild)
            head = await anyio.to_thread.run_sync(self._store.head)
            arbiter.adopt(state)
            arbiter.journal.reopen(head)
            status = SystemStatusChanged(
                before=state.system_status, after=state.system_status, degraded=True
            )
            arbiter.engine.write(arbiter.now(), status)
            await configure()
            await arbiter.flush()
        except RatelordError as error:
            _log.info("the store does not write yet: %s", error)
            return False
        except Exception:  # noqa: BLE001 - whatever it was, giving up would be for ever
            _log.exception("the recovery failed; it is tried again")
            return False
        return arbiter.journal.failed is None
