"""Use of a pool that nobody asks us for: how much of it, and how evenly it comes."""

from __future__ import annotations

from math import exp, sqrt
from typing import Any, Final

_MEMORY: Final = 4.0
"""How long use by others is remembered, in windows."""


class OutsideUse:
    """Learns from what provider polls count beyond what the ledger knew of.

    What was held at a poll may have been counted already or not, so differences within that, or
    within a unit, tell nothing of how uneven the use is.
    """

    def __init__(self, window: float) -> None:
        self._window = window
        self._last: float | None = None
        self._unsure = 0.0
        self._units = self._squares = self._seconds = 0.0

    @property
    def rate(self) -> float:
        """Units a second."""
        return max(0.0, self._units / self._seconds) if self._seconds > 0.0 else 0.0

    def seen(self, t: float, units: float, unsure: float) -> None:
        """A poll of ``t`` counted so many units (negative: fewer) beside what had been settled,
        ``unsure`` of which may be ours after all."""
        last, self._last = self._last, t if self._last is None else max(t, self._last)
        before, self._unsure = self._unsure, unsure
        if last is None or t <= last:
            return
        span = t - last
        kept = exp(-span / (_MEMORY * self._window))
        uneven = max(0.0, abs(units - self.rate * span) - max(unsure, before) - 1.0)
        self._units = self._units * kept + units
        self._squares = self._squares * kept + uneven * uneven
        self._seconds = self._seconds * kept + span

    def until(self, t: float, deviations: float) -> float:
        """Units that others will have used between the last poll and ``t``: what is expected, and
        so many standard deviations more."""
        return 0.0 if self._last is None else self.within(max(0.0, t - self._last), deviations)

    def within(self, span: float, deviations: float) -> float:
        """The same for any span of so many seconds."""
        if self._seconds <= 0.0:
            return 0.0
        return self.rate * span + deviations * sqrt(self._squares / self._seconds * span)

    def state(self) -> list[Any]:
        """Everything remembered, as plain JSON values."""
        return [self._last, self._unsure, self._units, self._squares, self._seconds]

    def restore(self, state: list[Any]) -> None:
        """Continue from a state."""
        self._last, self._unsure, self._units, self._squares, self._seconds = state
