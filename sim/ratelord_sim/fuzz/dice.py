"""Chance in the shapes that scenario files are written in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from ratelord_sim.chance import stream

Thing = TypeVar("Thing")
Tree = dict[str, Any]
"""A scenario, or a part of one, as plain values."""


class Dice:
    """The dice of one scenario: the same throws for the same round and number, in every process."""

    def __init__(self, seed: int, number: int) -> None:
        self._chance = stream(seed, "fuzz", number)

    def maybe(self, share: float) -> bool:
        """Whether something happens that does so in this share of all cases."""
        return self._chance.random() < share

    def whole(self, least: int, most: int) -> int:
        """A whole number; both ends may come."""
        return self._chance.randint(least, most)

    def number(self, least: float, most: float) -> float:
        """A number with two digits after the point."""
        return round(self._chance.uniform(least, most), 2)

    def of(self, things: Sequence[Thing]) -> Thing:
        """One of them."""
        return things[int(self._chance.random() * len(things))]

    def some(self, things: Sequence[Thing], share: float = 0.5) -> list[Thing]:
        """Some of them, in their order; none, if chance will have it."""
        return [thing for thing in things if self.maybe(share)]

    def millis(self, least: int, most: int) -> str:
        """A duration of so many ms, often a round one: things that happen at the same instant are
        where orders get mixed up."""
        found = self.whole(least, most)
        step = self.of((1, 1, 250, 1000, 5000))
        return f"{max(least, found // step * step)}ms"
