"""Which agents were active of late: they share what a future window will hold."""

from __future__ import annotations

from heapq import heappop, heappush, heapreplace

from ratelord_core.model.instant import Micros

_PARTS = 1_000_000


class Activity:
    """Agents that held something within the last ``span`` µs, with the sum of their weights.

    Weights are kept in whole millionths: sums come out the same in whatever order agents came and
    went, and so in a replay.
    """

    __slots__ = ("_queue", "_seen", "_span", "_weight")

    def __init__(self, span: Micros) -> None:
        self._span = span
        self._seen: dict[str, tuple[Micros, int]] = {}
        self._queue: list[tuple[Micros, str]] = []
        """Every agent once, by an instant at which it was active: not always by the last one."""
        self._weight = 0

    def touch(self, agent: str, weight: float, now: Micros) -> None:
        """The agent is active now."""
        parts = int(weight * _PARTS)
        before = self._seen.get(agent)
        self._seen[agent] = (now, parts)
        if before is None:
            self._weight += parts
            heappush(self._queue, (now, agent))
            self._forget(now)
        elif before[1] != parts:
            self._weight += parts - before[1]

    def share(self, agent: str, weight: float, limit: int, now: Micros) -> int:
        """The agent's weighted share of ``limit`` units, rounded up."""
        parts, whole = self.parts(agent, weight, now)
        return limit if parts == whole else min(limit, -(-limit * parts // whole))

    def parts(self, agent: str, weight: float, now: Micros) -> tuple[int, int]:
        """The agent's weight and that of all who are active, itself included, in millionths; equal
        if there is nobody else."""
        self._forget(now)
        mine = self._seen.get(agent)
        others = self._weight - mine[1] if mine else self._weight
        if others <= 0 or len(self._seen) == (1 if mine else 0):
            return 1, 1
        parts = int(weight * _PARTS)
        return parts, others + parts

    def __len__(self) -> int:
        return len(self._seen)

    def _forget(self, now: Micros) -> None:
        queue, since = self._queue, now - self._span
        while queue and queue[0][0] <= since:
            agent = queue[0][1]
            at, parts = self._seen[agent]
            if at > since:  # it was active again in the meantime
                heapreplace(queue, (at, agent))
                continue
            heappop(queue)
            del self._seen[agent]
            self._weight -= parts
