"""How much less sure a model should be: after drift, and while data are missing."""

from __future__ import annotations

from math import exp
from typing import Final

MEMORY: Final = 8.0
"""How long drift is remembered, in windows."""
MOST: Final = 8.0
"""Squared relative doubt that drift can add at most: forecasts stay usable."""
STALE_DOUBLES: Final = 0.1
"""Data missing for this part of a window double the doubt."""


class Surprise:
    """The squared relative doubt that drift leaves, fading over eight windows of ``span`` seconds.

    Drift that repeats adds up, so the bounds widen until it stops.
    """

    __slots__ = ("_at", "_doubt", "_span")

    def __init__(self, span: float) -> None:
        self._span = span
        self._doubt = self._at = 0.0

    def add(self, t: float, units: float, expected: float) -> None:
        """So many units were not foreseen, where ``expected`` were."""
        self._doubt = min(MOST, self.at(t) + units / (units + max(0.0, expected)))
        self._at = t

    def at(self, t: float) -> float:
        """The doubt that is left at ``t``."""
        if self._doubt <= 0.0:
            return 0.0
        return self._doubt * exp(-max(0.0, t - self._at) / (MEMORY * self._span))

    def widened(self, staleness: float) -> float:
        """By how much data missing for so many seconds multiply variances."""
        return 1.0 + max(0.0, staleness) / (STALE_DOUBLES * self._span)

    def state(self) -> list[float]:
        """Everything remembered."""
        return [self._doubt, self._at]

    def restore(self, state: list[float]) -> None:
        """Continue from a state."""
        self._doubt, self._at = state
