"""Drives a model along a course."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ratelord_core.backtest.course import Course, Origin
from ratelord_core.backtest.imposed import Imposed
from ratelord_core.forecast import ForecastModel
from ratelord_core.forecast.terms import sane
from ratelord_core.model.forecast import Forecast


class Settled(NamedTuple):
    """A forecast and the instant at which it was asked for, whose end is known."""

    origin: Origin
    said: Forecast


class Timing(NamedTuple):
    """Nanoseconds of each telling and of each question."""

    told: list[int]
    asked: list[int]


Nanoseconds = Callable[[], int]
"""A clock for measuring how long things take."""


def run(
    model: ForecastModel, course: Course, nanoseconds: Nanoseconds, *, blind: bool = False
) -> tuple[list[Settled], Timing]:
    """What the model says at every origin. ``blind``: usage after the pool ran dry is never seen,
    as if it had been refused. An answer that makes no sense is a ``ValueError``."""
    pool = course.pool
    walk = _Walk(model, pool, nanoseconds, blind=blind)
    settled = []
    for origin in course.origins:
        walk.to(origin.t, origin.seen)
        before = nanoseconds()
        said = model.forecast(origin.t, origin.left, origin.reset_at)
        walk.timing.asked.append(nanoseconds() - before)
        settled.append(Settled(origin, sane(said)))
    return settled, walk.timing


class _Walk:
    """Tells a model of observations and resets, in order."""

    def __init__(
        self, model: ForecastModel, pool: Imposed, nanoseconds: Nanoseconds, *, blind: bool
    ) -> None:
        self._model, self._pool, self._nanoseconds = model, pool, nanoseconds
        self._blind = blind
        self._next = 0
        self._reset = pool.phase + pool.window
        self._used = 0.0
        self.timing = Timing([], [])

    def to(self, t: float, seen: int) -> None:
        """Tell of everything up to ``t``, and of so many observations."""
        pool, times = self._pool, self._pool.times
        while self._next < seen:
            at, units = times[self._next], pool.units[self._next]
            self._resets(at)
            if not (self._blind and self._used >= pool.capacity - 1e-9):
                before = self._nanoseconds()
                self._model.observe(at, units)
                self.timing.told.append(self._nanoseconds() - before)
            self._used += units
            self._next += 1
        self._resets(t)

    def _resets(self, t: float) -> None:
        window = self._pool.window
        while t >= self._reset:
            end = self._reset + window
            self._model.window(self._reset, self._pool.capacity, 0.0, end, "fixed")
            self._reset, self._used = end, 0.0
