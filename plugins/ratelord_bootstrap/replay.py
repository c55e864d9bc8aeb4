"""The ``bootstrap`` model: what happened in stretches of the past may happen again from now on.

Demand is kept in bins of a sixtieth of a window, for thirty windows. Every stretch as long as the
time to the reset is one sample of what is to come: the share of those that would use up what is
left is the risk, and the quantiles of the times at which they do are the bounds. Nothing is assumed
about the shape of demand, so it is as good as the past is long, and slow to follow a change.
"""

from __future__ import annotations

from math import ceil, inf, sqrt
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ratelord_core.forecast import Burn, Exposure, Outlook, Surprise, course, passage
from ratelord_core.model.forecast import Forecast

MODEL_ID: Final = "bootstrap"
MODEL_VERSION: Final = "3"
UNKNOWN_HORIZON: Final = 3600.0
"""Seconds to look ahead when neither the next reset nor the window's length is known."""

_SHORTEST: Final = 1e-6
_BINS: Final = 60
_WINDOWS: Final = 30
_KEPT: Final = _BINS * _WINDOWS
_STARTS: Final = 200
"""The bounds are taken from so many stretches, evenly spread."""
_FEWEST: Final = 10
"""Fewer stretches than that say nothing: the rate and a doubt as large as itself do instead."""
_SETTLED: Final = frozenset({"fixed", "calendar"})
_LEVELS: Final = (0.5, 0.1, 0.01)
_NONE: Final = (inf, inf, inf)
_NOW: Final = (0.0, 0.0, 0.0)

Series = NDArray[np.float64]


class BootstrapModel:
    """One pool's recent past, bin by bin."""

    def __init__(self, limit: float, window_seconds: float | None) -> None:
        self._scale = window_seconds or UNKNOWN_HORIZON
        self._bin = self._scale / _BINS
        self._exposure = Exposure(limit, self._scale)
        self._surprise = Surprise(self._scale)
        self._start: float | None = None
        self._place = 0
        self._total = 0.0
        self._ends: list[float] = []
        """Units since the beginning, at the end of each bin that was closed."""

    def observe(self, t: float, units: float) -> None:
        """So many units were asked for, or seen to be spent, at ``t``; negative: so many of what
        was told before turned out not to be."""
        if units <= 0.0:
            if units < 0.0 and self._start is not None:
                self._close(self._exposure.take_back(t, -units))
                self._total = max(0.0, self._total + units)
                self._ends = [min(end, self._total) for end in self._ends]
            return
        at = self._exposure.observe(t, units)
        if self._start is None:
            self._start = at
        self._close(at)
        self._total += units

    def refused(self, t: float) -> None:
        """Somebody asked at ``t`` and was not let through."""
        self._exposure.refused(t)

    def window(
        self, t: float, limit: float, used: float, reset_at: float | None, kind: str
    ) -> None:
        """The pool's window as known at ``t``."""
        self._exposure.window(t, limit, used, kind)

    def widen(self, t: float, units: float) -> None:
        """Usage of that size was not foreseen: stretch the bounds, for some windows to come."""
        if units > 0.0:
            seen = 0.0 if self._start is None else self._total / max(1, len(self._ends))
            self._surprise.add(t, units, seen * _BINS / 4)

    def forecast(
        self,
        now: float,
        remaining: float,
        reset_at: float | None,
        extra_units: float = 0.0,
        staleness: float = 0.0,
    ) -> Forecast:
        """How long ``remaining - extra_units`` lasts. Changes nothing in the model.

        Horizons are those of the model ``linear``: the reset, else one window.
        """
        ttr = inf if reset_at is None else max(0.0, reset_at - now)
        kind, left = self._exposure.kind, remaining - extra_units
        slots = kind == "concurrency"
        if kind == "unbounded" or (slots and (reset_at is None or remaining <= 0.0)):
            full = slots and remaining <= 0.0
            end = _NOW if full and reset_at is not None else _NONE
            return _answer((float(full), end), 0.0, 0.0, ttr, staleness)
        if self._start is None:
            said = (1.0, _NOW) if left <= 0.0 and not slots else (0.0, _NONE)
            return _answer(said, 0.0, 0.0, ttr, staleness)
        ends = reset_at is not None and (slots or kind in _SETTLED)
        horizon = (max(ttr, _SHORTEST) if slots else ttr) if ends else self._scale
        past = self._past(self._exposure.time(now))
        rate, noise = self._burn(past)
        lump = noise / rate if rate > 0.0 else 1.0
        wider = self._surprise.widened(staleness) + self._surprise.at(now)
        noise, doubt = noise * wider, rate * rate * wider / max(1.0, (len(past) - 1) / _BINS)
        variance = noise / max(horizon, self._bin) + doubt
        if left <= 0.0 and not slots:
            said = (1.0, _NOW)
        else:
            burn = Burn(
                rate,
                noise / rate if rate > 0.0 else 0.0,
                doubt / rate**2 if rate > 0.0 else 0.0,
                lump,
            )
            said = self._passed(kind, (remaining, left), burn, horizon)
            if kind in _SETTLED and len(past) - 1 > _FEWEST:
                said = self._replayed(past, left, horizon, sqrt(wider), said)
        return _answer(said, rate, variance, ttr, staleness)

    def state(self) -> dict[str, Any]:
        """Everything remembered, as plain JSON values."""
        return {
            "exposure": self._exposure.state(),
            "surprise": self._surprise.state(),
            "bins": [self._start, self._place, self._total],
            "ends": list(self._ends),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state that this version gave; a missing field is a ``KeyError``."""
        self._exposure.restore(state["exposure"])
        self._surprise.restore(state["surprise"])
        self._start, self._place, self._total = state["bins"]
        self._ends = list(state["ends"])

    def _passed(self, kind: str, left: tuple[float, float], burn: Burn, horizon: float) -> Outlook:
        """The closed form, for windows that give back and where the past is short."""
        noise, doubt = burn.rate * burn.lump, burn.rate * burn.rate * burn.doubt
        if kind in _SETTLED:
            return passage(left[1], burn.rate, noise, doubt, horizon)
        ahead = course(kind, self._exposure.limit, left, burn, horizon, 0.0)
        return passage(*ahead[:5], returns=True)

    def _close(self, at: float) -> None:
        """Close every bin that ended before ``at``."""
        place = int((at - (self._start or 0.0)) // self._bin)
        if place > self._place:
            self._ends += [self._total] * min(place - self._place, _KEPT + 1)
            self._place = place
            if len(self._ends) > 2 * _KEPT:
                del self._ends[: -_KEPT - 1]

    def _past(self, at: float) -> Series:
        """Units since some beginning, at the ends of bins, the last one being now."""
        silent = int((at - (self._start or 0.0)) // self._bin) - self._place
        ends = self._ends[-_KEPT:]
        first = [] if len(ends) == _KEPT else [0.0]
        return np.array(first + ends + [self._total] * (1 + min(max(0, silent), _KEPT)))[-_KEPT:]

    def _burn(self, past: Series) -> tuple[float, float]:
        """Units a second, and the variance of that in each second."""
        each = np.diff(past)
        seconds = len(each) * self._bin
        square = float(np.dot(each, each)) / seconds
        return float(past[-1] - past[0]) / seconds, square

    def _replayed(
        self, past: Series, left: float, horizon: float, wider: float, unseen: Outlook
    ) -> Outlook:
        """What the stretches say; of a horizon of which there are too few, no less than of the
        longest that there are enough of, and than what is said of it ``unseen``."""
        length = max(1, ceil(horizon / self._bin))
        longest = len(past) - 1 - _FEWEST
        shorter = self._shorter(past, left / wider, min(length - 1, longest))
        if length > longest:
            return max(shorter, unseen[0]), unseen[1]
        demand = (past[length:] - past[:-length]) * (horizon / (length * self._bin))
        chance = (np.count_nonzero(demand * wider >= left) + 0.5) / (len(demand) + 1.0)
        return max(shorter, float(chance)), self._lasting(past, left, horizon, wider)

    def _shorter(self, past: Series, left: float, longest: int) -> float:
        """The greatest share of stretches up to so many bins long that use ``left`` units up: what
        is gone after a shorter one is gone after this one, too."""
        if longest < 1:
            return 0.0
        last = len(past) - 1
        starts = np.arange(last)
        ends = np.searchsorted(past, past[:-1] + left, "left")
        starts, ends = starts[ends <= last], ends[ends <= last]
        begun = np.bincount(ends - starts, minlength=last + 2)
        over = np.bincount(last - starts + 1, minlength=last + 2)
        lengths = np.arange(1, longest + 1)
        found = np.cumsum(begun - over)[1 : longest + 1]
        return float(np.max((found + 0.5) / (last + 2.0 - lengths)))

    def _lasting(
        self, past: Series, left: float, horizon: float, wider: float
    ) -> tuple[float, float, float]:
        starts = np.arange(0, len(past) - 1, max(1, len(past) // _STARTS))
        needed = past[starts] + left
        ends = np.searchsorted(past, needed, "left")
        reached = ends < len(past)
        ends = np.minimum(ends, len(past) - 1)
        with np.errstate(over="ignore"):  # where a bin has nothing, its end is never reached
            inside = (needed - past[ends - 1]) / np.maximum(past[ends] - past[ends - 1], 1e-300)
        times = np.where(reached, (ends - 1 - starts + inside) * self._bin, inf)
        times.sort()
        p50, p90, p99 = (float(times[int(level * len(times))]) for level in _LEVELS)
        p90, p99 = p90 / wider, p99 / (wider * wider)  # doubt stretches the way from the median
        bounds = (p50, min(p50, p90), min(p50, p90, p99))
        a, b, c = (bound if bound < horizon else inf for bound in bounds)
        return a, b, c


def _answer(said: Outlook, rate: float, variance: float, ttr: float, staleness: float) -> Forecast:
    chance, (p50, p90, p99) = said
    margin = p99 - ttr if p99 < inf and ttr < inf else inf
    return Forecast(
        p50, p90, p99, chance, rate, variance, ttr, margin, staleness, MODEL_ID, MODEL_VERSION
    )
