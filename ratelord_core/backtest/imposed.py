"""A pool imposed on a trace: windows that end, a capacity, and what the demand does to it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate
from math import ceil, inf
from typing import Final

import msgspec

from ratelord_core.backtest.trace import PoolSpec, Trace
from ratelord_core.errors import InvalidRequest

_MOST_WINDOWS: Final = 1_000_000


class Imposed(msgspec.Struct, frozen=True):
    """Whole windows of ``window`` seconds from ``phase`` on, each with ``capacity`` units, over
    demand that nobody throttles. ``sums`` are the units before each observation, and after all."""

    label: str
    phase: float
    window: float
    windows: int
    capacity: float
    times: list[float]
    units: list[float]
    sums: list[float]

    def reset_after(self, t: float) -> float:
        """The next reset."""
        return self.phase + (self.window_of(t) + 1) * self.window

    def window_of(self, t: float) -> int:
        """The number of the window in which ``t`` lies."""
        return int((t - self.phase) // self.window)

    def left(self, t: float, seen: int) -> float:
        """The units that remain at ``t``, when so many observations have been seen."""
        begin = self.phase + self.window_of(t) * self.window
        return self.capacity - (self.sums[seen] - self.sums[bisect_left(self.times, begin)])

    def lasts(self, t: float, seen: int) -> float:
        """Seconds from ``t`` until what remains is used up, on a clock that knows no reset."""
        needed = self.sums[seen] + self.left(t, seen)
        place = bisect_left(self.sums, needed - 1e-9 * max(1.0, abs(needed)))
        return self.times[place - 1] - t if place < len(self.sums) else inf


def impose(trace: Trace, pool: PoolSpec, phase: int = 0, poll: float | None = None) -> Imposed:
    """The pool on the trace, its windows shifted by the ``phase``-th part of one. With ``poll``,
    usage becomes visible only every so many seconds.

    Raises ``InvalidRequest`` for a trace that is too short: ten windows are the least.
    """
    times, units = trace.column(pool.column)
    if not times:
        raise InvalidRequest(
            f"trace {trace.name} has no {pool.column} but zeros; give one with demand, or another "
            "--column"
        )
    if poll is not None:
        if times[-1] < poll:
            raise InvalidRequest(
                f"trace {trace.name} ends before a poll of {poll:g} s: poll oftener"
            )
        times, units = _polled(times, units, poll)
    begin = pool.window_s * phase / pool.phases
    windows = int((times[-1] - begin) // pool.window_s)
    if windows < 10:
        raise InvalidRequest(
            f"trace {trace.name} has {max(0, windows)} whole windows of {pool.window_s:g} s; ten "
            "are the least: name a shorter --window"
        )
    if windows > _MOST_WINDOWS:
        raise InvalidRequest(
            f"trace {trace.name} has {windows} windows of {pool.window_s:g} s; {_MOST_WINDOWS} are "
            "the most: name a longer --window"
        )
    end = begin + windows * pool.window_s
    first, last = bisect_left(times, begin), bisect_left(times, end)
    times, units = times[first:last], units[first:last]
    if not times:
        raise InvalidRequest(
            f"trace {trace.name} has no usage in any whole window; give a longer one"
        )
    capacity = pool.capacity
    if capacity is None:
        capacity = _capacity(times, units, begin, pool, windows)
    sums = [0.0, *accumulate(units)]
    return Imposed(pool.label, begin, pool.window_s, windows, capacity, times, units, sums)


def _capacity(
    times: list[float], units: list[float], begin: float, pool: PoolSpec, windows: int
) -> float:
    totals = [0.0] * windows
    for t, amount in zip(times, units, strict=True):
        totals[min(windows - 1, int((t - begin) // pool.window_s))] += amount
    active = sorted(total for total in totals if total > 0.0)
    return active[ceil((1.0 - pool.exhaust_share) * (len(active) - 1))]


def _polled(times: list[float], units: list[float], poll: float) -> tuple[list[float], list[float]]:
    ticks: dict[int, float] = {}
    for t, amount in zip(times, units, strict=True):
        tick = ceil(t / poll)
        ticks[tick] = ticks.get(tick, 0.0) + amount
    return [tick * poll for tick in ticks], list(ticks.values())


def seen_by(pool: Imposed, t: float) -> int:
    """How many observations have been made up to and with ``t``."""
    return bisect_right(pool.times, t)
