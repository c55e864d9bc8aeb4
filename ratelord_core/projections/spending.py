"""What agents, runs and tasks have taken so far: requests, units, micro-USD."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ratelord_core.model.spent import NOTHING, Spent

MOST = 20_000
"""Agents, runs and tasks that are remembered; of more, those that asked last."""


class Spending:
    """Sums by key; what did not ask for longest gives way."""

    def __init__(self) -> None:
        self._sums: dict[str, Spent] = {}

    def add(self, keys: Iterable[str], more: Spent) -> None:
        """So much was taken in the name of each key (negative: less than was thought)."""
        for key in keys:
            self._sums[key] = self._sums.pop(key, NOTHING) + more
        while len(self._sums) > MOST:
            self._sums.pop(next(iter(self._sums)))

    def of(self, key: str) -> Spent:
        """What was taken in the name of a key."""
        return self._sums.get(key, NOTHING)

    def copy(self) -> Spending:
        """The same sums, to which may be added what only might happen."""
        other = Spending()
        other._sums.update(self._sums)
        return other

    def picture(self) -> dict[str, tuple[int, ...]]:
        """Every sum, for comparison."""
        return {key: msgspec.structs.astuple(sums) for key, sums in sorted(self._sums.items())}
