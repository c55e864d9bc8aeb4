"""When open legs end, the next first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from heapq import heapify, heappop, heappush

from ratelord_core.ledger.hold import NEVER, Leg
from ratelord_core.model.instant import Micros

_GONE = 512
"""So few that are to be passed over are not worth a sweep."""

_Entry = tuple[Micros, str, str, Leg]


class Expiries:
    """A queue of legs by their end. One that ended otherwise, or lives longer now, is passed over
    when its turn comes, or swept out before that when most are such.

    Most legs live as long as the one before and so come in the order of their ends: they stand in a
    line. Only those that end before the last of that line are sorted, in a heap.
    """

    __slots__ = ("_gone", "_line", "_sorted", "next_end")

    def __init__(self) -> None:
        self._line: deque[_Entry] = deque()
        self._sorted: list[_Entry] = []
        self._gone = 0
        """At most so many in the queue are to be passed over."""
        self.next_end: Micros = NEVER
        """No leg ends before."""

    def __len__(self) -> int:
        return len(self._line) + len(self._sorted)

    def add(self, legs: Iterable[Leg]) -> None:
        """Each leg ends at its ``end``, unless something happens before."""
        line = self._line
        for leg in legs:
            entry = (leg.end, leg.intent_id, leg.pool, leg)
            if line and line[-1] < entry:
                line.append(entry)
                continue
            if line:
                heappush(self._sorted, entry)
            else:
                line.append(entry)
            self.next_end = min(self.next_end, leg.end)

    def pass_over(self) -> None:
        """A leg that was added ended before its time, or ends at another time."""
        self._gone += 1
        if self._gone > _GONE and 2 * self._gone > len(self):
            self._line = deque(entry for entry in self._line if _stands(entry))
            self._sorted = [entry for entry in self._sorted if _stands(entry)]
            heapify(self._sorted)
            self._gone = 0

    def due(self, now: Micros) -> Leg | None:
        """The next leg whose end has come; None when there is no more."""
        line, others = self._line, self._sorted
        while True:
            first = others if others and not (line and line[0] < others[0]) else line
            if not first or first[0][0] > now:
                self.next_end = first[0][0] if first else NEVER
                return None
            end, _, _, leg = line.popleft() if first is line else heappop(others)
            if leg.open and leg.end == end:
                return leg
            self._gone -= 1


def _stands(entry: _Entry) -> bool:
    end, _, _, leg = entry
    return leg.open and leg.end == end
