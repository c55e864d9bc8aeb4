"""When open legs end, the next first."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from ratelord_core.ledger.hold import NEVER, Leg
from ratelord_core.model.instant import Micros

_GONE = 512
"""So few that are to be passed over are not worth a sweep."""


class Expiries:
    """A queue of legs by their end. One that ended otherwise, or lives longer now, is passed over
    when its turn comes, or swept out before that when most are such."""

    __slots__ = ("_gone", "_queue", "next_end")

    def __init__(self) -> None:
        self._queue: list[tuple[Micros, str, str, Leg]] = []
        self._gone = 0
        """At most so many in the queue are to be passed over."""
        self.next_end: Micros = NEVER
        """No leg ends before."""

    def add(self, leg: Leg) -> None:
        """The leg ends at its ``end``, unless something happens before."""
        queue = self._queue
        heappush(queue, (leg.end, leg.intent_id, leg.pool, leg))
        self.next_end = queue[0][0]

    def pass_over(self) -> None:
        """A leg that was added ended before its time, or ends at another time."""
        self._gone += 1
        if self._gone > _GONE and 2 * self._gone > len(self._queue):
            self._queue = [entry for entry in self._queue if _stands(entry)]
            heapify(self._queue)
            self._gone = 0

    def due(self, now: Micros) -> Leg | None:
        """The next leg whose end has come; None when there is no more."""
        queue = self._queue
        while queue and queue[0][0] <= now:
            entry = heappop(queue)
            if _stands(entry):
                return entry[3]
            self._gone -= 1
        self.next_end = queue[0][0] if queue else NEVER
        return None

    def next(self) -> Micros | None:
        """When the next leg ends; None if none is open."""
        while self._queue and not _stands(self._queue[0]):
            heappop(self._queue)
            self._gone -= 1
        return self._queue[0][0] if self._queue else None


def _stands(entry: tuple[Micros, str, str, Leg]) -> bool:
    end, _, _, leg = entry
    return leg.open and leg.end == end
