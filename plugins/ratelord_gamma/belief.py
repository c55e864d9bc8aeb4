"""What the ``gamma`` model believes of demand."""

from __future__ import annotations

from typing import NamedTuple


class Belief(NamedTuple):
    """The rate of lumps: Gamma(``shape``, ``seconds``); and the size of a lump."""

    shape: float
    seconds: float
    lump: float

    @property
    def rate(self) -> float:
        """Units a second."""
        return self.lump * self.shape / self.seconds

    def part(self, horizon: float) -> float:
        """The argument of the beta function for so many seconds."""
        return horizon / (horizon + self.seconds)
