"""When open legs end, the next first."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from ratelord_core.ledger.hold import NEVER, Leg
from ratelord_core.model.instant import Micros


class Expiries:
    """A queue of legs by their end. One that ended otherwise, or lives longer now, is passed over
    when its turn comes, or swept out before that when there are many such."""

    __slots__ = ("_queue", "_sweep_at", "next_end")

    def __init__(self) -> None:
        self._queue: list[tuple[Micros, str, str, Leg]] = []
        self._sweep_at = 1024
        self.next_end: Micros = NEVER
        """No leg ends before."""

    def add(self, leg: Leg) -> None:
        """The leg ends at its ``end``, unless something happens before."""
        end = leg.end
        heappush(self._queue, (end, leg.intent_id, leg.pool, leg))
        self.next_end = min(self.next_end, end)
        if len(self._queue) > self._sweep_at:
            self._queue = [entry for entry in self._queue if _stands(entry)]
            heapify(self._queue)
            self._sweep_at = max(1024, 2 * len(self._queue))

    def due(self, now: Micros) -> Leg | None:
        """The next leg whose end has come; None when there is no more."""
        queue = self._queue
        while queue and queue[0][0] <= now:
            entry = heappop(queue)
            if _stands(entry):
                return entry[3]
        self.next_end = queue[0][0] if queue else NEVER
        return None

    def next(self) -> Micros | None:
        """When the next leg ends; None if none is open."""
        while self._queue and not _stands(self._queue[0]):
            heappop(self._queue)
        return self._queue[0][0] if self._queue else None


def _stands(entry: tuple[Micros, str, str, Leg]) -> bool:
    end, _, _, leg = entry
    return leg.open and leg.end == end
