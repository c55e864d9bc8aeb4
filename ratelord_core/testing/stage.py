"""Time that is turned by hand, for what waits: no test has to wait for real."""

from __future__ import annotations

import anyio
import anyio.lowlevel

from ratelord_core.clock import SteppedClock
from ratelord_core.model.instant import Micros

YIELDS = 80
"""How often other tasks get their turn before all of them are believed to wait."""


class Stage:
    """Whoever sleeps here wakes when ``advance`` passes their hour, the earliest first.

    Give ``clock`` and ``sleep`` to what is tested. Only for code that waits for nothing else.
    """

    def __init__(self) -> None:
        self.clock = SteppedClock()
        self._sleepers: dict[anyio.Event, Micros] = {}

    async def sleep(self, span: Micros) -> None:
        """Wait until the clock was turned by this many µs."""
        woken = anyio.Event()
        self._sleepers[woken] = self.clock.now() + span
        try:
            await woken.wait()
        finally:
            del self._sleepers[woken]

    async def settle(self) -> None:
        """Let every other task run until it waits."""
        for _ in range(YIELDS):
            await anyio.lowlevel.checkpoint()

    async def advance(self, span: Micros) -> None:
        """Turn the clock on by this many µs, stopping wherever somebody wakes."""
        target = self.clock.now() + span
        await self.settle()
        while self._sleepers and min(self._sleepers.values()) <= target:
            self.clock.move_to(min(self._sleepers.values()))
            for woken, hour in self._sleepers.items():
                if hour <= self.clock.now():
                    woken.set()
            await self.settle()
        self.clock.move_to(target)
        await self.settle()
