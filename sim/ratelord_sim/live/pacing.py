"""A stage on which time passes by itself: the same processes, in step with a real clock."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine
from heapq import heappop
from typing import Any

import anyio
from anyio.abc import TaskGroup

from ratelord_core.model.instant import SECOND, Micros
from ratelord_sim.stage import Stage

Seconds = Callable[[], float]
"""A clock that only goes forward."""


class LiveStage(Stage):
    """``speed`` seconds of the scenario pass in each second of life. ``now`` follows the clock."""

    def __init__(self, start: Micros, speed: float, seconds: Seconds) -> None:
        super().__init__(start)
        self.speed = speed
        self._seconds = seconds
        self._began = seconds()
        self._tasks: TaskGroup | None = None
        self._under_way = 0
        self._idle = anyio.Event()
        self._stirred = anyio.Event()

    def elapsed(self) -> float:
        """Seconds of life since it began."""
        return self._seconds() - self._began

    def begin(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do something that waits for the outside world, beside the play."""
        if self._tasks is not None:
            self._under_way += 1
            self._tasks.start_soon(self._do, work)

    async def _do(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await work()
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    def told(self, act: Callable[[], None]) -> None:
        """Let news from outside take effect now."""
        self.catch_up()
        act()
        self._stirred.set()

    def catch_up(self) -> None:
        """Let ``now`` be what the clock says."""
        self.now = max(self.now, self.start + round(self.elapsed() * self.speed * SECOND))

    async def live(self, until: Micros, patience: float) -> None:
        """Play until that instant; then wait so many seconds at most for what is under way."""
        self._began = self._seconds()
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            await self._play(until)
            self._tasks = None
            self._idle = anyio.Event()
            with anyio.move_on_after(patience):
                if self._under_way:
                    await self._idle.wait()
            tasks.cancel_scope.cancel()

    async def _play(self, until: Micros) -> None:
        while self.now < until:
            self._run_due(until)
            self._stirred = anyio.Event()
            upcoming = min(until, self._heap[0][0] if self._heap else until)
            wait = (upcoming - self.now) / (self.speed * SECOND)
            with anyio.move_on_after(max(0.0, wait) if math.isfinite(wait) else None):
                await self._stirred.wait()
            self.catch_up()

    def _run_due(self, until: Micros) -> None:
        """Everything whose time has come, in order. What comes late happens at the true time."""
        heap = self._heap
        while heap and heap[0][0] <= self.now < until:
            _, _, act, thing = heappop(heap)
            self.steps += 1
            if act is None:
                self.step(thing, None)
            else:
                act(thing)
            self.catch_up()
