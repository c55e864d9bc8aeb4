"""The instants at which forecasts are asked for: rolling origins, blind to the future."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final, NamedTuple, Protocol

from ratelord_core.backtest.imposed import Imposed, seen_by

_WARM_UP: Final = 0.3
"""The first part of the windows only teaches."""
_PER_WINDOW: Final = 4


class Chance(Protocol):
    """A seeded source of randomness."""

    def random(self) -> float:
        """A number from 0 up to 1."""
        ...


class Origin(NamedTuple):
    """An instant at which the forecast is asked for: what has been seen and what remains."""

    t: float
    seen: int
    left: float
    reset_at: float
    lasts: float


class Course(NamedTuple):
    """The origins of one pool, in time order."""

    pool: Imposed
    origins: list[Origin]


def course(pool: Imposed, wanted: int, chance: Chance) -> Course:
    """About ``wanted`` origins: half at random instants of each window, half at observations, which
    is when agents ask. Instants at which the pool is already empty are left out."""
    first = int(_WARM_UP * pool.windows + 0.999)
    scored = pool.windows - first
    each = max(1, min(_PER_WINDOW, round(wanted / 2 / max(1, scored))))
    chosen = range(first, pool.windows)
    if scored > wanted / 2:
        share = wanted / 2 / scored
        chosen_windows = [window for window in chosen if chance.random() < share]
    else:
        chosen_windows = list(chosen)
    instants = [
        (at, seen_by(pool, at))
        for window in chosen_windows
        for part in range(each)
        for at in (pool.phase + (window + (part + chance.random()) / each) * pool.window,)
    ]
    begin = bisect_left(pool.times, pool.phase + first * pool.window)
    asked = [
        place
        for place in range(begin, len(pool.times) - 1)
        if pool.times[place + 1] > pool.times[place]
    ]
    step = max(1, len(asked) // max(1, len(instants)))
    offset = int(chance.random() * step)
    instants += [(pool.times[place], place + 1) for place in asked[offset::step]]
    instants.sort()
    found = []
    for t, seen in instants:
        left = pool.left(t, seen)
        if left > 1e-9:
            found.append(Origin(t, seen, left, pool.reset_after(t), pool.lasts(t, seen)))
    return Course(pool, found)
