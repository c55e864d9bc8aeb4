"""What a workload really costs in a pool, learnt from reports."""

from __future__ import annotations

_SCALE = 1000
_WEIGHT = 8


class LearnedCosts:
    """A moving average per (workload, pool), in thousandths of a unit, in integers.

    The estimate moves an eighth of the way to each reported cost, so that about the last dozen
    reports count.
    """

    def __init__(self) -> None:
        self._means: dict[tuple[str, str], int] = {}

    def learn(self, workload_id: str, pool: str, units: int) -> None:
        """One more call was reported with this cost."""
        key = (workload_id, pool)
        seen = units * _SCALE
        before = self._means.get(key)
        self._means[key] = seen if before is None else before + (seen - before) // _WEIGHT

    def estimate(self, workload_id: str, pool: str) -> int | None:
        """Units to expect of the next call, rounded up and at least 1; None = nothing learnt."""
        mean = self._means.get((workload_id, pool))
        return None if mean is None else max(1, -(-mean // _SCALE))

    def picture(self) -> dict[str, int]:
        """Everything learnt, for comparison."""
        return {
            f"{workload}|{pool}": mean for (workload, pool), mean in sorted(self._means.items())
        }
