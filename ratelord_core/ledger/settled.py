"""What was counted as used, and when: to tell what a provider's number already contains."""

from __future__ import annotations

from bisect import bisect_left, insort

from ratelord_core.model.instant import MINUTE, Micros

KEPT: Micros = 2 * MINUTE
"""How far back we remember what nobody should ask for again: numbers may arrive late."""
_MOST = 8192


class SettledLog:
    """Amounts by instant. It stays small: when it is full, its older half is thinned out, and what
    is merged is dated at the later instant, so that no amount is ever taken for observed too early.
    """

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: list[tuple[Micros, int]] = []

    def add(self, at: Micros, units: int) -> None:
        """Units (negative: a correction) counted as of ``at``."""
        entries, entry = self._entries, (at, units)
        if not entries or entries[-1] <= entry:  # nearly always
            entries.append(entry)
        else:
            insort(entries, entry)
        if len(entries) > _MOST:
            self._thin()

    def _thin(self) -> None:
        half = self._entries[: _MOST // 2]
        pairs = zip(half[::2], half[1::2], strict=True)
        self._entries[: _MOST // 2] = [(at, some + more) for (_, some), (at, more) in pairs]

    def after(self, dated: Micros) -> int:
        """Units counted later than ``dated``."""
        total = 0
        for at, units in reversed(self._entries):
            if at <= dated:
                break
            total += units
        return total

    def forget(self, before: Micros) -> None:
        """Drop what is older."""
        del self._entries[: bisect_left(self._entries, before, key=lambda entry: entry[0])]
