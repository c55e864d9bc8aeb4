"""Which agents were active of late: they share what a future window will hold."""

from __future__ import annotations

from collections import OrderedDict

from ratelord_core.model.instant import Micros


class Activity:
    """Agents that held something within the last ``span`` µs, with the sum of their weights."""

    __slots__ = ("_seen", "_span", "_weight")

    def __init__(self, span: Micros) -> None:
        self._span = span
        self._seen: OrderedDict[str, tuple[Micros, float]] = OrderedDict()
        self._weight = 0.0

    def touch(self, agent: str, weight: float, now: Micros) -> None:
        """The agent is active now."""
        before = self._seen.get(agent)
        self._seen[agent] = (now, weight)
        if before is None:
            self._weight += weight
        else:
            self._seen.move_to_end(agent)
            self._weight += weight - before[1]
        self._forget(now)

    def share(self, agent: str, weight: float, limit: int, now: Micros) -> int:
        """The agent's weighted share of ``limit`` units, rounded up."""
        self._forget(now)
        mine = self._seen.get(agent)
        others = self._weight - mine[1] if mine else self._weight
        if others <= 0 or len(self._seen) == (1 if mine else 0):
            return limit
        return min(limit, -int(-limit * weight // (others + weight)))

    def _forget(self, now: Micros) -> None:
        seen = self._seen
        while seen:
            agent, (at, weight) = next(iter(seen.items()))
            if at + self._span > now:
                return
            del seen[agent]
            self._weight -= weight
        self._weight = 0.0
