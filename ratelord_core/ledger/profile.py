"""How much is taken over time, when the taking is a sum of intervals."""

from __future__ import annotations

from collections.abc import Iterable

from ratelord_core.ledger.hold import NEVER
from ratelord_core.model.instant import Micros

Interval = tuple[Micros, Micros, int]
"""Start (inclusive), end (exclusive), units."""


def earliest_gap(
    intervals: Iterable[Interval], room: int, length: Micros, after: Micros
) -> Micros | None:
    """The earliest t >= ``after`` such that at most ``room`` units are taken throughout
    [t, t + ``length``); None if that never comes.

    One pass over the interval ends in order of time: O(n log n).
    """
    level = 0
    changes: list[tuple[Micros, int]] = []
    for start, end, units in intervals:
        if end <= after:
            continue
        if start <= after:
            level += units
        else:
            changes.append((start, units))
        changes.append((end, -units))
    changes.sort()
    candidate: Micros | None = after if level <= room else None
    for at, change in _merged(changes):
        if candidate is not None and at >= candidate + length:
            return candidate
        level += change
        if level > room:
            candidate = None
        elif candidate is None:
            candidate = at
    return candidate


def _merged(changes: list[tuple[Micros, int]]) -> Iterable[tuple[Micros, int]]:
    """Changes of one instant as one: what ends makes room for what begins."""
    at, total = -1, 0
    for instant, change in changes:
        if instant != at:
            if at >= 0:
                yield at, total
            at, total = instant, 0
        total += change
    if 0 <= at < NEVER:
        yield at, total
