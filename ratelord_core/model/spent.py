"""What was taken so far in somebody's name."""

from __future__ import annotations

import msgspec


class Spent(msgspec.Struct, frozen=True):
    """Approved requests, the largest draws of each added up, and micro-USD; as reported, and where
    nothing was reported as held."""

    requests: int = 0
    units: int = 0
    cost: int = 0

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.requests + other.requests, self.units + other.units, self.cost + other.cost
        )


NOTHING = Spent()
