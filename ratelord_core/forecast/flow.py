"""What a page knows of windows that never end: sliding ones, buckets, slots.

Nothing resets them, so nobody says when they ran dry: the ledger is asked how they stand, as seldom
as will do. For slots it is asked each time, because their course depends on how long work takes.
"""

from __future__ import annotations

from typing import Final

FLOWING: Final = frozenset({"sliding", "bucket", "concurrency"})
"""Windows that never end."""

_FADES: Final = 0.99
"""What each start leaves of what was known of the length of work."""
_USUAL: Final = 60.0
"""Before anything is known, work takes so many seconds …"""
_BELIEF: Final = 1.0
"""… which is believed as if so many starts had shown it."""


class Flow:
    """One pool's course. ``spare`` units are there for certain: what flows back only adds to them,
    so the ledger need not be asked before they are taken."""

    __slots__ = ("_at", "_seconds", "_starts", "_taken", "_units", "slots", "spare")

    def __init__(self, kind: str) -> None:
        self.slots = kind == "concurrency"
        self.spare = 0
        self._at: float | None = None
        self._seconds = self._units = self._taken = self._starts = 0.0

    def takes(self, units: int) -> bool:
        """So many units are taken; whether the ledger must be asked what is left."""
        self.spare -= units
        return self.spare <= 0 or self.slots

    def stood(self, available: int, limit: int) -> None:
        """So many units are left. From an empty pool the next sixteenth of the limit that is asked
        for says nothing new."""
        self.spare = available if available > 0 else 1 + limit // 16

    def started(self, t: float, units: float, taken: float) -> None:
        """Work on so many slots starts at ``t``, where so many were ``taken`` before."""
        gap = 0.0 if self._at is None else max(0.0, t - self._at)
        self._at = t
        self._seconds = self._seconds * _FADES + gap
        self._units = self._units * _FADES + units
        self._taken = self._taken * _FADES + max(0.0, taken)
        self._starts = self._starts * _FADES + 1.0

    def length(self) -> float:
        """How long work takes: what is taken on average, by how fast it is taken (Little's law)."""
        if self._starts <= 1.0 or self._seconds <= 0.0 or self._units <= 0.0:
            return _USUAL
        pace = self._units / self._seconds
        seen = self._taken / self._starts / pace
        return max(1e-3, (seen * self._starts + _USUAL * _BELIEF) / (self._starts + _BELIEF))
