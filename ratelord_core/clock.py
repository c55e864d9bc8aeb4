"""Where time and randomness enter: chosen once by the composition root, passed down from there."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from typing import Protocol

from ratelord_core.model.instant import Micros


class Clock(Protocol):
    """Tells the instant; never goes backwards."""

    def now(self) -> Micros:
        """Microseconds since the epoch, UTC."""
        ...


class SystemClock:
    """Wall time at the start, the monotonic clock from then on.

    A step of the wall clock, either way, changes nothing: no window refills early, no hold lives
    longer. ``not_before`` (the newest time in the log) keeps a restart from going back in time.
    """

    def __init__(
        self,
        not_before: Micros = 0,
        *,
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._monotonic = monotonic
        started = max(wall() // 1000, not_before)
        self._offset = started - monotonic() // 1000

    def now(self) -> Micros:
        return self._monotonic() // 1000 + self._offset


class SteppedClock:
    """A clock that stands still until it is told to move: for tests, replay and simulation."""

    def __init__(self, start: Micros = 1_767_225_600_000_000) -> None:
        self._now = start

    def now(self) -> Micros:
        return self._now

    def advance(self, span: Micros) -> Micros:
        """Move forward by a span; returns the new instant."""
        if span < 0:
            raise ValueError(f"a clock cannot go back by {-span} µs")
        self._now += span
        return self._now

    def move_to(self, instant: Micros) -> None:
        """Move forward to an instant; an earlier one is ignored."""
        self._now = max(self._now, instant)


class SystemEntropy:
    """Unpredictable bytes from the operating system, fetched 4 KiB at a time."""

    def __init__(self) -> None:
        self._pool = b""
        self._at = 0

    def random_bytes(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._pool):
            self._pool, self._at, end = os.urandom(max(4096, count)), 0, count
        taken = self._pool[self._at : end]
        self._at = end
        return taken


class SeededEntropy:
    """The same bytes for the same seed: never for secrets, always for reproducible runs."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)

    def random_bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)
