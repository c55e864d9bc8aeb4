"""The ``gamma`` model: over-dispersed counts in closed form, with forgetting and calibration.

Demand comes in lumps of the effective size φ = E[x²]/E[x]. Their rate has a Gamma(a, b) belief that
forgets; so the time until the n-th lump is b times a beta-prime(n, a) variable, and both the risk
and its inverse are one incomplete beta function. The shape a is not what counting would give: it is
matched to the forecast errors actually seen over quarter windows, in which burstiness shows itself.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, inf
from typing import Any, Final

from ratelord_core.forecast import (
    LOGITS,
    Burn,
    Calibration,
    Course,
    Demand,
    Occasions,
    Outlook,
    Returning,
    Shadow,
    Surprise,
    course,
    worse,
)
from ratelord_core.model.forecast import Forecast
from ratelord_gamma.belief import Belief
from ratelord_gamma.odds import chance_of, odds_of

MODEL_ID: Final = "gamma"
MODEL_VERSION: Final = "7"
UNKNOWN_HORIZON: Final = 3600.0
"""Seconds to look ahead when neither the next reset nor the window's length is known."""

_SETTLED: Final = frozenset({"fixed", "calendar"})
_NONE: Final = (inf, inf, inf)
_NOW: Final = (0.0, 0.0, 0.0)
_SHORTEST: Final = 1e-6
_BLOCKS: Final = 4.0
"""The model checks itself on so many blocks a window."""
_ERROR_DECAY: Final = 0.98
_WORST_ERROR: Final = 25.0
_LEAST_DOUBT: Final = 1e-4
_LIVELY: Final = 12.0
_LEAST_SLOPE: Final = 0.3
_PRIOR: Final = (0.0, 1.0, 0.0)
_BELIEF: Final = (5.0, 10.0, 5.0)

Beta = Callable[[float, float, float], float]


class GammaModel:
    """One pool's burn as a gamma-mixed compound Poisson process.

    ``beta`` is the regularised incomplete beta function, ``beta_inverse`` its inverse in the last
    argument.
    """

    def __init__(
        self, limit: float, window_seconds: float | None, beta: Beta, beta_inverse: Beta
    ) -> None:
        self._beta, self._beta_inverse = beta, beta_inverse
        self._scale = window_seconds or UNKNOWN_HORIZON
        self._demand = Demand(limit, self._scale)
        self._calibration = Calibration(_PRIOR, _BELIEF)
        self._occasions = Occasions()
        self._returning = Returning()
        self._surprise = Surprise(self._scale)
        self._reset_at: float | None = None
        self._block_end = self._block_units = self._block_mean = self._block_lump = 0.0
        self._errors, self._checks = 1.0, 2.0

    def observe(self, t: float, units: float) -> None:
        """So many units were asked for, or seen to be spent, at ``t``; negative: so many of what
        was told before turned out not to be."""
        if t >= self._occasions.next:
            self._look_back(t)
        if units <= 0.0:
            if units < 0.0:
                self._demand.take_back(t, -units)
                self._block_units = max(0.0, self._block_units + units)
            return
        exposure = self._demand.exposure
        at = exposure.observe(t, units)
        if self._demand.start is None:
            self._block_end = at + self._scale / _BLOCKS
        elif at >= self._block_end:
            self._check(at)
        self._demand.observed(at, units)
        self._block_units += units
        if self._reset_at is not None:
            if exposure.empty_since is not None:
                self._calibration.exhausted(t)
            elif t < self._reset_at and self._calibration.waiting:
                stands_for = self._occasions.used()
                if stands_for:
                    self._cast(t, self._reset_at, stands_for)

    def refused(self, t: float) -> None:
        """Somebody asked at ``t`` and was not let through."""
        self._look_back(t)
        self._demand.exposure.refused(t)

    def window(
        self, t: float, limit: float, used: float, reset_at: float | None, kind: str
    ) -> None:
        """The pool's window as known at ``t``."""
        self._look_back(t)
        before = self._reset_at
        self._demand.exposure.window(t, limit, used, kind)
        self._reset_at = reset_at if kind in _SETTLED else None
        if before is None or reset_at is None or t >= before:
            self._calibration.settle(self._occasions.begin(t, self._reset_at))
        if kind not in _SETTLED:
            self._returned(t, limit, used, reset_at, kind)
        if self._reset_at is not None and used >= limit and t < self._reset_at:
            self._calibration.exhausted(t)

    def widen(self, t: float, units: float) -> None:
        """Usage of that size was not foreseen: doubt the rate more, for some windows to come."""
        if units > 0.0:
            self._look_back(t)
            rate = 0.0 if self._demand.start is None else self._belief(t, 0.0).rate
            self._surprise.add(t, units, rate * self._scale / _BLOCKS)

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
        kind, left = self._demand.exposure.kind, remaining - extra_units
        slots = kind == "concurrency"
        if kind == "unbounded" or (slots and (reset_at is None or remaining <= 0.0)):
            full = slots and remaining <= 0.0
            end = _NOW if full and reset_at is not None else _NONE
            return _answer((float(full), end), 0.0, 0.0, ttr, staleness)
        if self._demand.start is None:
            said = (1.0, _NOW) if left <= 0.0 and not slots else (0.0, _NONE)
            return _answer(said, 0.0, 0.0, ttr, staleness)
        ends = reset_at is not None and (slots or kind in _SETTLED)
        horizon = (max(ttr, _SHORTEST) if slots else ttr) if ends else self._scale
        belief = self._belief(now, staleness)
        rate = belief.rate
        variance = belief.lump * rate / max(horizon, _SHORTEST) + rate * rate / belief.shape
        if left <= 0.0 and not slots:
            said = (1.0, _NOW)
        elif kind in _SETTLED:
            said = self._settling(belief, now, left, horizon)
            if staleness > 0.0:  # what is not known may be worse; it is never better
                fresh = self._belief(now, 0.0)
                said = worse(said, self._settling(fresh, now, left, horizon))
        else:
            ahead = self._course(belief, now, kind, (remaining, left), horizon)
            said = self._returning.outlook(ahead)
        return _answer(said, rate, variance, ttr, staleness)

    def state(self) -> dict[str, Any]:
        """Everything remembered, as plain JSON values."""
        block = [self._block_end, self._block_units, self._block_mean, self._block_lump]
        return {
            "demand": self._demand.state(),
            "calibration": self._calibration.state(),
            "occasions": self._occasions.state(),
            "returning": self._returning.state(),
            "surprise": self._surprise.state(),
            "reset_at": self._reset_at,
            "block": [*block, self._errors, self._checks],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state that this version gave; a missing field is a ``KeyError``."""
        self._demand.restore(state["demand"])
        self._calibration.restore(state["calibration"])
        self._occasions.restore(state["occasions"])
        self._returning.restore(state["returning"])
        self._surprise.restore(state["surprise"])
        self._reset_at = state["reset_at"]
        self._block_end, self._block_units, self._block_mean, self._block_lump = state["block"][:4]
        self._errors, self._checks = state["block"][4:]

    def _belief(self, t: float, staleness: float) -> Belief:
        """What the rate of lumps may be at ``t``: the mean of a quarter window's and a window's
        memory, with a shape that matches the errors seen."""
        demand = self._demand
        rates = demand.rates(demand.exposure.time(t))
        rate = 0.5 * (rates[1] + rates[2])
        wider = self._surprise.widened(staleness)
        doubt = max(_LEAST_DOUBT, self._errors / self._checks) + self._surprise.at(t)
        lump = demand.lump * wider
        shape = 1.0 / (doubt * wider)
        return Belief(shape, shape * lump / rate, lump)

    def _course(
        self, belief: Belief, t: float, kind: str, left: tuple[float, float], horizon: float
    ) -> Course:
        """How a window that gives back goes on."""
        burn = Burn(belief.rate, belief.lump, 1.0 / belief.shape, self._demand.lump)
        return course(kind, self._demand.exposure.limit, left, burn, horizon, self._lively(t))

    def _returned(
        self, t: float, limit: float, used: float, until: float | None, kind: str
    ) -> None:
        """How a window that gives back stands: settle, and lay a forecast aside."""
        left, ahead = limit - used, None
        known = self._demand.start is not None and kind != "unbounded"
        if known and left > 0.0 and (until is not None or kind != "concurrency"):
            horizon = self._scale if until is None else max(until - t, _SHORTEST)
            ahead = self._course(self._belief(t, 0.0), t, kind, (left, left), horizon)
        self._returning.stood(t, ahead, dry=left <= 0.0)

    def _check(self, at: float) -> None:
        """Compare the block that ended with what was expected of it; expect the next one."""
        length, mean = self._scale / _BLOCKS, self._block_mean
        if mean > 0.0:
            miss = ((self._block_units - mean) ** 2 - self._block_lump * mean) / (mean * mean)
            self._errors = self._errors * _ERROR_DECAY + min(miss, _WORST_ERROR)
            self._checks = self._checks * _ERROR_DECAY + 1.0
        self._block_end += ((at - self._block_end) // length + 1.0) * length
        rates = self._demand.rates(at)
        self._block_units, self._block_lump = 0.0, self._demand.lump
        self._block_mean = 0.5 * (rates[1] + rates[2]) * length

    def _look_back(self, t: float) -> None:
        """Lay forecasts aside for instants before ``t`` of which nothing has been told since."""
        occasions, reset_at = self._occasions, self._reset_at
        while occasions.next <= t:
            instant = occasions.passed()
            if reset_at is not None and instant < reset_at and self._calibration.waiting:
                self._cast(instant, reset_at, 0)

    def _cast(self, t: float, reset_at: float, usages: int) -> None:
        """Lay a forecast aside, to learn from what becomes of it."""
        exposure, horizon = self._demand.exposure, reset_at - t
        left = exposure.limit - exposure.used
        if left <= 0.0 or self._demand.start is None:
            return
        belief, lively = self._belief(t, 0.0), self._lively(t)
        looked_at = (1.0, self._odds(belief, left, horizon), lively)
        bounds = self._bounds(belief, left, horizon, lively)
        shadow = Shadow(t, horizon, looked_at, bounds, lively > 0.5, usages)
        if self._calibration.lay_aside(shadow):
            self._occasions.crowded()

    def _settling(self, belief: Belief, t: float, left: float, horizon: float) -> Outlook:
        """Risk and bounds in a window that ends."""
        lively = self._lively(t)
        above, slope = self._line(lively)
        chance = self._beta(left / belief.lump, belief.shape, belief.part(horizon))
        if chance > 1e-9:
            chance = chance_of(above + slope * odds_of(chance))
        return chance, self._bounds(belief, left, horizon, lively)

    def _bounds(
        self, belief: Belief, left: float, horizon: float, lively: float
    ) -> tuple[float, float, float]:
        above, slope = self._line(lively)
        shifts = self._calibration.shifts[lively > 0.5]
        lumps, found, latest = left / belief.lump, [], inf
        for level, shift in zip(LOGITS, shifts, strict=True):
            part = self._beta_inverse(
                lumps, belief.shape, chance_of((level + shift - above) / slope)
            )
            time = belief.seconds * part / (1.0 - part) if part < 1.0 else inf
            latest = min(latest, time) if time < horizon else latest
            found.append(latest)
        return (found[0], found[1], found[2])

    def _line(self, lively: float) -> tuple[float, float]:
        """How log odds are bent: level and slope, as far as what was learnt is trusted."""
        calibration = self._calibration
        constant, slope, now = calibration.coefficients
        share = calibration.learnt_share
        slope = max(_LEAST_SLOPE, share * slope + 1.0 - share)
        return share * (constant + now * lively), slope

    def _lively(self, t: float) -> float:
        at = self._demand.exposure.time(t)
        return exp(min(0.0, self._demand.last_at - at) * _LIVELY / self._scale)

    def _odds(self, belief: Belief, left: float, horizon: float) -> float:
        return odds_of(self._beta(left / belief.lump, belief.shape, belief.part(horizon)))


def _answer(said: Outlook, rate: float, variance: float, ttr: float, staleness: float) -> Forecast:
    chance, (p50, p90, p99) = said
    margin = p99 - ttr if p99 < inf and ttr < inf else inf
    return Forecast(
        p50, p90, p99, chance, rate, variance, ttr, margin, staleness, MODEL_ID, MODEL_VERSION
    )
