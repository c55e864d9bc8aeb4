"""A limit that is enforced in real time: a bucket that refills continuously."""

from __future__ import annotations

import math
import time


class Meter:
    """``limit`` units per ``every`` seconds, full at first."""

    def __init__(self, limit: int, every: float = 60.0) -> None:
        self.limit = limit
        self.every = every
        self._level = float(limit)
        self._at = time.monotonic()

    def fits(self, units: int) -> bool:
        """Whether so many units are there now."""
        self._refill()
        return self._level >= units

    def take(self, units: int) -> None:
        """Use them up."""
        self._refill()
        self._level -= units

    @property
    def remaining(self) -> int:
        """Whole units that are left."""
        self._refill()
        return max(0, math.floor(self._level))

    def until(self, units: int) -> float:
        """Seconds until so many units are there."""
        self._refill()
        return max(0.0, (units - self._level) * self.every / self.limit)

    def _refill(self) -> None:
        now = time.monotonic()
        self._level = min(self.limit, self._level + (now - self._at) * self.limit / self.every)
        self._at = now
