"""Which agents were active of late: they share what a future window will hold."""

from __future__ import annotations

from collections import OrderedDict

from ratelord_core.model.instant import Micros

_PARTS = 1_000_000


class Activity:
    """Agents that held something within the last ``span`` µs, with the sum of their weights.

    Weights are kept in whole millionths: sums come out the same in whatever order agents came and
    went, and so in a replay.
    """

    __slots__ = ("_seen", "_span", "_weight")

    def __init__(self, span: Micros) -> None:
        self._span = span
        self._seen: OrderedDict[str, tuple[Micros, int]] = OrderedDict()
        self._weight = 0

    def touch(self, agent: str, weight: float, now: Micros) -> None:
        """The agent is active now."""
        seen, parts = self._seen, int(weight * _PARTS)
        before = seen.get(agent)
        seen[agent] = (now, parts)
        if before is None:
            self._weight += parts
            self._forget(now)
            return
        seen.move_to_end(agent)
        if before[1] != parts:
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
        seen = self._seen
        while seen:
            agent, (at, parts) = next(iter(seen.items()))
            if at + self._span > now:
                return
            del seen[agent]
            self._weight -= parts
