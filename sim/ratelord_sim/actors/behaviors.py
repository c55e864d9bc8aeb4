"""The built-in behaviours: when an agent wants something."""

from __future__ import annotations

from collections.abc import Iterator

from ratelord_core.behavior import Chance, Demand, Pace
from ratelord_core.model.instant import SECOND, Micros

_THINK: Micros = SECOND // 100
"""Between the end of a greedy agent's action and its next question."""


class Greedy:
    """Wants the next thing as soon as it is done with the last, but at most ``rate`` a second."""

    name, closed, paced = "greedy", True, True

    def demands(self, pace: Pace, chance: Chance) -> Iterator[Demand]:
        yield Demand(_around(0, pace.jitter, chance))
        least = max(_THINK, pace.gap)
        while True:
            yield Demand(_around(least, pace.jitter, chance))


class Periodic:
    """Every ``1 / rate`` seconds, give or take ``jitter``."""

    name, closed, paced = "periodic", False, True

    def demands(self, pace: Pace, chance: Chance) -> Iterator[Demand]:
        yield Demand(_first(pace, chance))
        while True:
            yield Demand(_around(pace.gap, pace.jitter, chance))


class Poisson:
    """At random, ``rate`` a second on average."""

    name, closed, paced = "poisson", False, True

    def demands(self, pace: Pace, chance: Chance) -> Iterator[Demand]:
        while True:
            yield Demand(round(chance.expovariate(pace.rate) * SECOND))


class Bursty:
    """``burst`` at once, then silence until ``rate`` is right again."""

    name, closed, paced = "bursty", False, True

    def demands(self, pace: Pace, chance: Chance) -> Iterator[Demand]:
        silence = pace.gap * pace.burst
        wait = 0 if pace.together else round(silence * chance.random())
        while True:
            for _ in range(pace.burst):
                yield Demand(_around(wait, pace.jitter, chance))
                wait = 0
            wait = silence


class Trace:
    """What a file of real requests says."""

    name, closed, paced = "trace", False, False

    def demands(self, pace: Pace, chance: Chance) -> Iterator[Demand]:
        before = 0
        for at, units in pace.rows:
            yield Demand(at - before, units)
            before = at


def _first(pace: Pace, chance: Chance) -> Micros:
    return (
        round(pace.jitter * chance.random()) if pace.together else round(pace.gap * chance.random())
    )


def _around(span: Micros, jitter: Micros, chance: Chance) -> Micros:
    if not jitter:
        return span
    if not span:
        return round(jitter * chance.random())
    return max(0, span + round(jitter * (2 * chance.random() - 1)))


BUILT_IN = (Greedy(), Periodic(), Poisson(), Bursty(), Trace())
"""Every behaviour of this package."""
