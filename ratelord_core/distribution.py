"""How numbers are distributed, counted in buckets: what a histogram is made of."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, Final

from ratelord_core.model.instant import SECOND

SPANS: Final = tuple(
    round(SECOND * seconds)
    for seconds in (
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
        0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    )
)  # fmt: skip
"""Bounds for spans of time, in µs: a tenth of a millisecond to ten seconds."""
SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
"""Bounds for how many came together."""


class Distribution:
    """Counts whole numbers by the least bound that is not below them, and remembers for each
    bucket the newest example. Noting one costs less than a microsecond."""

    __slots__ = ("bounds", "counts", "examples", "total")

    def __init__(self, bounds: Sequence[int]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.examples: list[Any] = [None] * (len(bounds) + 1)
        self.total = 0

    def note(self, value: int, example: Any = None) -> None:
        """Count a value in."""
        at = bisect_left(self.bounds, value)
        self.counts[at] += 1
        self.total += value
        if example is not None:
            self.examples[at] = (value, example)
