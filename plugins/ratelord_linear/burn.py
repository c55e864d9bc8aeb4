"""The ``linear`` model: a burn rate by exponential averages, its doubt, and what follows.

Usage arrives in lumps. Two exponential averages, a short one (half a window) and a long one (twenty
windows) that the short one is drawn towards, give the rate; the effective size of a lump,
E[x²]/E[x], gives the noise that even a steady rate has; the errors of its own forecasts over
quarter windows give the doubt about the rate itself. Demand over s seconds is taken as normal with
mean ``rate·s`` and variance ``noise·s + doubt·s²``, which makes every question a closed form.
"""

from __future__ import annotations

from math import exp, inf
from typing import Any, Final

from ratelord_core.forecast import Exposure, flowing_back, passage
from ratelord_core.model.forecast import Forecast

MODEL_ID: Final = "linear"
MODEL_VERSION: Final = "2"
UNKNOWN_HORIZON: Final = 3600.0
"""Seconds to look ahead when neither the next reset nor the window's length is known."""

_SHORT: Final = 0.5
"""Memory of the burn rate, in windows."""
_LONG: Final = 20.0
"""Memory of the rate that silence decays to, in windows."""
_PRIOR_LUMPS: Final = 2.0
"""So many lumps' worth of belief the long rate carries against the short one."""
_PRIOR_PACE: Final = 0.1
"""Before anything is known: a tenth of the pace that would just use the limit up."""
_BLOCKS: Final = 4.0
"""The model checks itself on so many blocks a window."""
_RETURNING: Final = frozenset({"bucket", "sliding", "concurrency"})
_SHORTEST: Final = 1e-6
"""Horizons are at least so long (seconds)."""
_LUMP_DECAY: Final = 0.999
_ERROR_DECAY: Final = 0.98
_WORST_ERROR: Final = 25.0
"""A squared relative error beyond this teaches nothing more."""
_SURPRISE_MEMORY: Final = 8.0
"""How long drift is remembered, in windows."""
_STALE_DOUBLES: Final = 0.1
"""Data missing for this part of a window double the variance."""
_MOST_SURPRISE: Final = 8.0
"""Squared relative doubt that drift can add at most: forecasts stay usable."""

_NOTHING: Final = (0.0, 0.0, 0.0)

_FIELDS: Final = (
    "scale", "clock", "short_units", "short_time",
    "long_units", "long_time", "lump_units", "lump_squares", "block_end", "block_units",
    "block_mean", "block_noise", "errors", "checks", "surprise", "surprised_at",
)  # fmt: skip


class LinearModel:
    """One pool's burn rate.

    Times of observations may repeat; spacing may be irregular. They are taken on the clock of an
    ``Exposure``, which stands still while nobody could be let through.
    """

    __slots__ = (*(f"_{name}" for name in _FIELDS), "_averaged", "_exposure")

    def __init__(self, limit: float, window_seconds: float | None) -> None:
        self._scale = window_seconds or UNKNOWN_HORIZON
        self._exposure = Exposure(limit, self._scale)
        self._clock: float | None = None
        self._short_units = self._short_time = 0.0
        self._long_units = self._long_time = 0.0
        self._lump_units = self._lump_squares = 0.0
        self._block_end = self._block_units = self._block_mean = self._block_noise = 0.0
        self._errors, self._checks = 1.0, 2.0
        self._surprise, self._surprised_at = 0.0, 0.0
        self._averaged: tuple[float, tuple[float, float, float]] | None = None
        """The averages at one instant, until something is told: they are asked for with and
        without an intent."""

    def observe(self, t: float, units: float) -> None:
        """So many units were asked for, or seen to be spent, at ``t``; negative: so many of what
        was told before turned out not to be."""
        self._averaged = None
        if units <= 0.0:
            self._take_back(t, -units)
            return
        at = self._exposure.observe(t, units)
        if self._clock is None:
            self._clock, self._block_end = at, at + self._scale / _BLOCKS
        else:
            self._move_to(at, units)
        self._lump_units = self._lump_units * _LUMP_DECAY + units
        self._lump_squares = self._lump_squares * _LUMP_DECAY + units * units

    def refused(self, t: float) -> None:
        """Somebody asked at ``t`` and was not let through."""
        self._averaged = None
        self._exposure.refused(t)

    def window(
        self, t: float, limit: float, used: float, reset_at: float | None, kind: str
    ) -> None:
        """The pool's window as known at ``t``."""
        self._averaged = None
        self._exposure.window(t, limit, used, kind)
        if reset_at is not None and kind == "fixed" and self._clock is None:
            self._scale = max(self._scale, reset_at - t)

    def widen(self, t: float, units: float) -> None:
        """Usage of that size was not foreseen: doubt the rate more, for some windows to come."""
        if units <= 0.0:
            return
        self._averaged = None
        rate = self._averages(t)[0]
        expected = rate * self._scale / _BLOCKS
        fresh = self._surprise_at(t) + units / (units + expected)
        self._surprise = min(_MOST_SURPRISE, fresh)
        self._surprised_at = t
        self._averaged = None

    def forecast(
        self,
        now: float,
        remaining: float,
        reset_at: float | None,
        extra_units: float = 0.0,
        staleness: float = 0.0,
    ) -> Forecast:
        """How long ``remaining - extra_units`` lasts. Changes nothing in the model.

        An unknown reset is taken to be a whole window away (an hour, if that is unknown too): the
        worst case. Sliding windows and buckets have no reset; they give back continuously, and are
        looked at over one window.
        """
        ttr = inf if reset_at is None else max(0.0, reset_at - now)
        horizon = self._scale if reset_at is None else ttr
        kind = self._exposure.kind
        slots = kind == "concurrency"
        full = slots and remaining <= 0.0
        if kind == "unbounded" or full or (slots and (reset_at is None or self._clock is None)):
            end = 0.0 if full and reset_at is not None else inf
            return self._answer((end, end, end), float(full), 0.0, 0.0, ttr, staleness)
        left = remaining - extra_units
        rate, noise, doubt = self._averages(now)
        if staleness > 0.0:
            wider = 1.0 + staleness / (_STALE_DOUBLES * self._scale)
            noise, doubt = noise * wider, doubt * wider
        variance = noise / horizon + doubt if horizon > 0.0 else doubt
        if left <= 0.0 and not slots:
            return self._answer((0.0, 0.0, 0.0), 1.0, rate, variance, ttr, staleness)
        net = rate
        if kind in _RETURNING:
            horizon = max(ttr, _SHORTEST) if slots else self._scale
            back = flowing_back(kind, self._exposure.limit, remaining, horizon)
            net -= back
            if (
                slots
            ):  # gone when one more is wanted than there are; coming is as irregular as going
                lump = self._lump_squares / self._lump_units
                left, noise = max(0.0, left) + lump, 2.0 * noise
        returns = kind in _RETURNING
        chance, bounds = passage(left, net, noise, doubt, horizon, returns=returns)
        return self._answer(bounds, chance, rate, variance, ttr, staleness)

    def state(self) -> dict[str, Any]:
        """Everything remembered, as plain JSON values."""
        kept = {name: getattr(self, f"_{name}") for name in _FIELDS}
        return {**kept, "exposure": self._exposure.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state that this version gave; a missing field is a ``KeyError``."""
        for name in _FIELDS:
            setattr(self, f"_{name}", state[name])
        self._exposure.restore(state["exposure"])
        self._averaged = None

    def _take_back(self, t: float, units: float) -> None:
        if units <= 0.0 or self._clock is None:
            return
        self._move_to(self._exposure.take_back(t, units), 0.0)
        self._short_units = max(0.0, self._short_units - units)
        self._long_units = max(0.0, self._long_units - units)
        self._block_units = max(0.0, self._block_units - units)

    def _move_to(self, at: float, units: float) -> None:
        """Forget as time goes by, then add what was asked for."""
        clock = self._clock
        if clock is None or at <= clock:
            self._short_units += units
            self._long_units += units
            self._block_units += units
            return
        if at >= self._block_end:
            self._check(at)
        span, scale = at - clock, self._scale
        short, long = _SHORT * scale, _LONG * scale
        kept = exp(-span / short)
        self._short_units = self._short_units * kept + units
        self._short_time = self._short_time * kept + short * (1.0 - kept)
        kept = exp(-span / long)
        self._long_units = self._long_units * kept + units
        self._long_time = self._long_time * kept + long * (1.0 - kept)
        self._block_units += units
        self._clock = at

    def _check(self, at: float) -> None:
        """Compare the block that ended with what was expected of it; expect the next one."""
        length = self._scale / _BLOCKS
        blocks = (at - self._block_end) // length + 1.0
        mean = self._block_mean
        if mean > 0.0:
            miss = ((self._block_units - mean) ** 2 - self._block_noise * mean) / (mean * mean)
            self._errors = self._errors * _ERROR_DECAY + min(miss, _WORST_ERROR)
            self._checks = self._checks * _ERROR_DECAY + 1.0
        lump = self._lump_squares / self._lump_units
        self._block_end += blocks * length
        self._block_units = 0.0
        self._block_mean = self._rate(at - (self._clock or at))[0] * length
        self._block_noise = lump

    def _rate(self, span: float) -> tuple[float, float]:
        """(units per second, lumps' worth of evidence) after a silence of ``span`` seconds."""
        lump, scale = self._lump_squares / self._lump_units, self._scale
        units, time = self._short_units, self._short_time
        long_units, long_time = self._long_units, self._long_time
        if span > 0.0:
            memory = _SHORT * scale
            kept = exp(-span / memory)
            units, time = units * kept, time * kept + memory * (1.0 - kept)
            memory = _LONG * scale
            kept = exp(-span / memory)
            long_units, long_time = long_units * kept, long_time * kept + memory * (1.0 - kept)
        pace = _PRIOR_PACE * (self._exposure.limit or lump) / scale
        credit = 0.1 * scale
        long = (long_units + pace * credit) / (long_time + credit)
        belief = _PRIOR_LUMPS * lump
        return (units + belief) / (time + belief / long), units / lump + _PRIOR_LUMPS

    def _averages(self, t: float) -> tuple[float, float, float]:
        """(rate, noise per second, doubt per second²) at ``t``."""
        known, clock = self._averaged, self._clock
        if known is not None and known[0] == t:
            return known[1]
        if clock is None:
            return _NOTHING
        rate, evidence = self._rate(self._exposure.time(t) - clock)
        noise = rate * self._lump_squares / self._lump_units
        unsure = max(1.0 / evidence, self._errors / self._checks, 1e-4)
        if self._surprise > 0.0:
            unsure += self._surprise_at(t)
        averages = (rate, noise, unsure * rate * rate)
        self._averaged = (t, averages)
        return averages

    def _surprise_at(self, t: float) -> float:
        if self._surprise <= 0.0:
            return 0.0
        age = max(0.0, t - self._surprised_at)
        return self._surprise * exp(-age / (_SURPRISE_MEMORY * self._scale))

    def _answer(
        self,
        bounds: tuple[float, ...],
        chance: float,
        rate: float,
        variance: float,
        ttr: float,
        staleness: float,
    ) -> Forecast:
        p50, p90, p99 = bounds
        margin = p99 - ttr if p99 < inf and ttr < inf else inf
        return Forecast(
            p50, p90, p99, chance, rate, variance, ttr, margin, staleness, MODEL_ID, MODEL_VERSION
        )
