"""The ``ensemble`` model: experts weighted by their precision, bent by what came true."""

from __future__ import annotations

from math import exp, inf, log
from typing import Any, Final

from ratelord_core.forecast import (
    LOGITS,
    Burn,
    Calibration,
    Course,
    Occasions,
    Outlook,
    Returning,
    Shadow,
    Surprise,
    course,
    worse,
)
from ratelord_core.model.forecast import Forecast
from ratelord_ensemble.experts import Experts
from ratelord_ensemble.view import BELIEF, PRIOR, View

MODEL_ID: Final = "ensemble"
MODEL_VERSION: Final = "8"
UNKNOWN_HORIZON: Final = 3600.0
"""Seconds to look ahead when neither the next reset nor the window's length is known."""

_NONE: Final = (inf, inf, inf)
_NOW: Final = (0.0, 0.0, 0.0)
_SHORTEST: Final = 1e-6
"""Horizons are at least so long (seconds)."""
_SETTLED: Final = frozenset({"fixed", "calendar"})
"""Windows that end, so that forecasts come true or do not."""
_LIVELY: Final = 12.0
"""Usage is "just now" for about a twelfth of a window."""
_HALF: Final = 0.5


class EnsembleModel:
    """One pool's demand as seven experts see it, and how well they did."""

    def __init__(self, limit: float, window_seconds: float | None) -> None:
        self._scale = window_seconds or UNKNOWN_HORIZON
        self._experts = Experts(limit, self._scale)
        self._calibration = Calibration(PRIOR, BELIEF)
        self._occasions = Occasions()
        self._returning = Returning()
        self._reset_at: float | None = None
        self._surprise = Surprise(self._scale)
        self._seen: tuple[tuple[float, float, float], View] | None = None
        """The experts' view of one instant, until something is told: it is asked for with and
        without an intent."""

    def observe(self, t: float, units: float) -> None:
        """So many units were asked for, or seen to be spent, at ``t``; negative: so many of what
        was told before turned out not to be."""
        self._seen = None
        if t >= self._occasions.next:
            self._look_back(t)
        if units <= 0.0:
            if units < 0.0:
                self._experts.take_back(t, -units)
            return
        experts = self._experts
        experts.observe(t, units)
        reset_at = self._reset_at
        if reset_at is not None:
            if experts.demand.exposure.empty_since is not None:
                self._calibration.exhausted(t)
            elif t < reset_at and self._calibration.waiting:
                stands_for = self._occasions.used()
                if stands_for:
                    self._cast(t, reset_at, stands_for)

    def refused(self, t: float) -> None:
        """Somebody asked at ``t`` and was not let through."""
        self._look_back(t)
        self._experts.demand.exposure.refused(t)

    def window(
        self, t: float, limit: float, used: float, reset_at: float | None, kind: str
    ) -> None:
        """The pool's window as known at ``t``."""
        self._look_back(t)
        before = self._reset_at
        self._experts.demand.exposure.window(t, limit, used, kind)
        self._reset_at = reset_at if kind in _SETTLED else None
        if before is None or reset_at is None or t >= before:
            self._calibration.settle(self._occasions.begin(t, self._reset_at))
        if kind not in _SETTLED:
            self._returned(t, limit, used, reset_at, kind)
        if self._reset_at is not None and used >= limit and t < self._reset_at:
            self._calibration.exhausted(t)

    def widen(self, t: float, units: float) -> None:
        """Usage of that size was not foreseen: doubt every expert more, for some windows."""
        if units <= 0.0:
            return
        self._look_back(t)
        demand = self._experts.demand
        rate = demand.rates(demand.exposure.time(t))[1] if demand.start is not None else 0.0
        self._surprise.add(t, units, rate * self._scale / 4.0)

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
        looked at over one window. Slots come back when work ends, about at ``reset_at``.
        """
        ttr = inf if reset_at is None else max(0.0, reset_at - now)
        kind = self._experts.demand.exposure.kind
        left = remaining - extra_units
        slots = kind == "concurrency"
        if kind == "unbounded" or (slots and (reset_at is None or remaining <= 0.0)):
            full = slots and remaining <= 0.0
            end = _NOW if full and reset_at is not None else _NONE
            return _answer(end, float(full), 0.0, 0.0, ttr, staleness)
        if self._experts.demand.start is None:
            empty = left <= 0.0 and not slots
            return _answer(_NOW if empty else _NONE, float(empty), 0.0, 0.0, ttr, staleness)
        ends = reset_at is not None and (slots or kind in _SETTLED)
        view = self._view(now, max(ttr if ends else self._scale, _SHORTEST), staleness)
        rate = view.mean / view.horizon
        variance = rate * view.lump / view.horizon + rate * rate * view.doubt
        if left <= 0.0 and not slots:
            return _answer(_NOW, 1.0, rate, variance, ttr, staleness)
        if kind in _SETTLED:
            chance, bounds = self._settling(view, left)
            if staleness > 0.0:  # what is not known may be worse; it is never better
                fresh = self._settling(self._view(now, view.horizon, 0.0), left)
                chance, bounds = worse((chance, bounds), fresh)
        else:
            chance, bounds = self._returning.outlook(self._course(view, kind, remaining, left))
        return _answer(bounds, chance, rate, variance, ttr, staleness)

    def state(self) -> dict[str, Any]:
        """Everything remembered, as plain JSON values."""
        return {
            "experts": self._experts.state(),
            "calibration": self._calibration.state(),
            "occasions": self._occasions.state(),
            "returning": self._returning.state(),
            "reset_at": self._reset_at,
            "surprise": self._surprise.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state that this version gave; a missing field is a ``KeyError``."""
        self._experts.restore(state["experts"])
        self._calibration.restore(state["calibration"])
        self._occasions.restore(state["occasions"])
        self._returning.restore(state["returning"])
        self._reset_at = state["reset_at"]
        self._surprise.restore(state["surprise"])
        self._seen = None

    def _course(self, view: View, kind: str, remaining: float, left: float) -> Course:
        """How a window that gives back goes on."""
        demand, horizon = self._experts.demand, view.horizon
        burn = Burn(view.mean / horizon, view.lump, view.doubt, demand.lump)
        return course(kind, demand.exposure.limit, (remaining, left), burn, horizon, view.lively)

    def _returned(
        self, t: float, limit: float, used: float, until: float | None, kind: str
    ) -> None:
        """How a window that gives back stands: settle, and lay a forecast aside."""
        left, ahead = limit - used, None
        known = self._experts.demand.start is not None and kind != "unbounded"
        if known and left > 0.0 and (until is not None or kind != "concurrency"):
            horizon = self._scale if until is None else max(until - t, _SHORTEST)
            ahead = self._course(self._view(t, horizon, 0.0), kind, left, left)
        self._returning.stood(t, ahead, dry=left <= 0.0)

    def _look_back(self, t: float) -> None:
        """Lay forecasts aside for instants before ``t`` of which nothing has been told since."""
        occasions, reset_at = self._occasions, self._reset_at
        while occasions.next <= t:
            instant = occasions.passed()
            if reset_at is not None and instant < reset_at and self._calibration.waiting:
                self._cast(instant, reset_at, 0)
        self._seen = None

    def _cast(self, t: float, reset_at: float, usages: int) -> None:
        """Lay a forecast aside, to learn from what becomes of it."""
        demand = self._experts.demand
        left = demand.exposure.limit - demand.exposure.used
        if left <= 0.0 or demand.start is None:
            return
        view = self._view(t, max(reset_at - t, _SHORTEST), 0.0)
        lively = view.lively > _HALF
        bounds = view.bounds(left, self._levels(lively))
        features = view.features(left)
        shadow = Shadow(t, view.horizon, features, bounds, lively, usages)
        if self._calibration.lay_aside(shadow):
            self._occasions.crowded()

    def _settling(self, view: View, left: float) -> Outlook:
        """Risk and bounds in a window that ends."""
        return view.risk(left), view.bounds(left, self._levels(view.lively > _HALF))

    def _levels(self, lively: bool) -> tuple[float, float, float]:
        one, two, three = self._calibration.shifts[lively]
        return (LOGITS[0] + one, LOGITS[1] + two, LOGITS[2] + three)

    def _view(self, t: float, horizon: float, staleness: float) -> View:
        key = (t, horizon, staleness)
        if self._seen is not None and self._seen[0] == key:
            return self._seen[1]
        experts, demand = self._experts, self._experts.demand
        at = demand.exposure.time(t)
        lump, doubts = demand.lump, experts.doubts()
        surprise = self._surprise.at(t)
        if surprise > 0.0:
            doubts = [doubt + surprise for doubt in doubts]
        if staleness > 0.0:
            wider = self._surprise.widened(staleness)
            lump, doubts = lump * wider, [doubt * wider for doubt in doubts]
        means = experts.means(t, at, horizon)
        lively = exp(min(0.0, demand.last_at - at) * _LIVELY / self._scale)
        newest = min(3.0, max(-3.0, log(demand.last_units / demand.lump)))
        view = View(
            means, doubts, lump, horizon, horizon / self._scale, lively, newest, demand.usual
        )
        view.bend(self._calibration.coefficients, self._calibration.learnt_share)
        self._seen = (key, view)
        return view


def _answer(
    bounds: tuple[float, float, float],
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
