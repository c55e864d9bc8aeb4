"""What is set aside in each window, now and later, and for whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from ratelord_core.ledger.hold import Leg
from ratelord_core.ledger.windows import Windows
from ratelord_core.model.instant import Micros

_Key = TypeVar("_Key")

FARTHEST = 1024
"""Windows looked ahead, and the most that one hold is filed under; a longer one counts in all."""


class Commitments:
    """Units by window. A hold counts in every window that it may be used in, because it may turn
    into use in any of them; that is why a promise, once given, can be kept whatever happens."""

    __slots__ = ("_promised", "_promised_to", "_windows", "endless", "units")

    def __init__(self, windows: Windows) -> None:
        self._windows = windows
        self.units: dict[Micros, int] = {}
        """By the end of the window; ``endless`` are those that count in each besides."""
        self.endless = 0
        self._promised: dict[Micros, int] = {}
        self._promised_to: dict[tuple[Micros, str], int] = {}

    def last_above(self, room: int, after: Micros) -> Micros | None:
        """The end of the last window later than ``after`` in which more than ``room`` units are
        set aside."""
        more = room - self.endless
        return max((end for end, n in self.units.items() if n > more and end > after), default=None)

    def promised(self, end: Micros) -> int:
        """Units that are promised to start in a later window."""
        return self._promised.get(end, 0)

    def promised_to(self, end: Micros, agent: str) -> int:
        """Those of one agent."""
        return self._promised_to.get((end, agent), 0)

    def add(self, leg: Leg) -> None:
        """File a leg in every window that it may be used in."""
        windows = self._windows
        end, filed = windows.end, self.units
        if leg.end < end - windows.guard:  # nearly always: it fits into the present window
            leg.endless = False
            if leg.units:
                filed[end] = filed.get(end, 0) + leg.units
            return
        ends = list(islice(windows.over(leg.start, leg.end), FARTHEST + 1))
        leg.endless = len(ends) > FARTHEST
        if leg.endless:
            self.endless += leg.units
        else:
            for end in ends:
                _add(self.units, end, leg.units)
        if ends[0] > windows.end:
            leg.promised = ends[0]
            self._promise(leg, leg.units)

    def remove(self, leg: Leg) -> None:
        """Take a leg away again."""
        windows = self._windows
        if leg.endless:
            self.endless -= leg.units
        elif leg.end < windows.end - windows.guard:
            filed, end = self.units, windows.end
            left = filed.get(end, 0) - leg.units
            if left:
                filed[end] = left
            else:
                filed.pop(end, None)
        else:
            for end in windows.over(leg.start, leg.end):
                _add(self.units, end, -leg.units)
        if leg.promised is not None and leg.promised in self._promised:
            self._promise(leg, -leg.units)
        leg.promised = None

    def forget(self, now: Micros) -> None:
        """Windows that have ended need no remembrance."""
        self.units = {end: units for end, units in self.units.items() if end > now}
        self._promised = {end: units for end, units in self._promised.items() if end > now}
        self._promised_to = {key: units for key, units in self._promised_to.items() if key[0] > now}

    def refile(self, legs: Iterable[Leg]) -> None:
        """The windows moved: file every leg anew."""
        self.units.clear()
        self._promised.clear()
        self._promised_to.clear()
        self.endless = 0
        for leg in legs:
            leg.promised = None
            self.add(leg)

    def newly_in(self, leg: Leg, end: Micros) -> Iterator[Micros]:
        """The windows that a leg would also count in if it lived until ``end``."""
        if leg.endless:
            return
        before = set(self._windows.over(leg.start, leg.end))
        for window in islice(self._windows.over(leg.start, end), FARTHEST + 1):
            if window not in before:
                yield window

    def _promise(self, leg: Leg, units: int) -> None:
        end = leg.promised or 0
        _add(self._promised, end, units)
        _add(self._promised_to, (end, leg.asker.agent), units)


def _add(counts: dict[_Key, int], key: _Key, units: int) -> None:
    count = counts.get(key, 0) + units
    if count:
        counts[key] = count
    else:
        counts.pop(key, None)
