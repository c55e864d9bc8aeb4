"""Forecasts of windows that give back what was used, bent by what came true.

When demand that comes and goes passes what is left is a first passage; its chance and its times
are closed forms (see ``passage``). What they leave out shows in what became of shadow forecasts,
each of which is settled when its horizon has passed, or when the pool ran dry.
"""

from __future__ import annotations

from math import exp, inf, log
from statistics import NormalDist
from typing import Any, Final, NamedTuple

from ratelord_core.forecast.calibration import LOGITS, Calibration, Shadow
from ratelord_core.forecast.passage import Outlook, flowing_back, once, passage, passage_time

_PRIOR: Final = (0.0, 1.0, 0.0)
_BELIEF: Final = (5.0, 10.0, 5.0)
_LEAST_SLOPE: Final = 0.3
_MOST_ODDS: Final = 9.0
_APART: Final = 0.5
"""Shadows are half a window apart, or they would say the same."""
_NORMAL: Final = NormalDist()


class Course(NamedTuple):
    """``level`` units are left, of which ``rate`` a second are taken (less than 0: come back), with
    the variance ``noise * s + doubt * s**2`` after s seconds. ``lively``: 1 if used just now."""

    level: float
    rate: float
    noise: float
    doubt: float
    horizon: float
    lively: float


class Burn(NamedTuple):
    """Demand as a model sees it: units a second, in lumps of that size, with so much squared
    relative ``doubt``; ``plain`` is the lump before anything made it wider."""

    rate: float
    lump: float
    doubt: float
    plain: float


def course(
    kind: str, limit: float, left: tuple[float, float], burn: Burn, horizon: float, lively: float
) -> Course:
    """How a window that gives back goes on, with so much ``left`` as it is and as it would be.

    Slots are gone when one more is wanted than there are; their coming back is as irregular as
    their going. Demand comes in lumps, a normal one does not: the level is passed when half a lump
    less would be (the continuity correction), which matters where few lumps are left.
    """
    remaining, level = left
    noise, doubt = burn.rate * burn.lump, burn.rate * burn.rate * burn.doubt
    if kind == "concurrency":
        level, noise = max(0.0, level) + burn.plain, 2.0 * noise
    level = max(0.5 * level, level - 0.5 * burn.plain)
    back = flowing_back(kind, limit, remaining, horizon)
    return Course(level, burn.rate - back, noise, doubt, horizon, lively)


class Returning:
    """One pool's calibration."""

    def __init__(self) -> None:
        self.calibration = Calibration(_PRIOR, _BELIEF)
        self._next = -inf

    def outlook(self, course: Course) -> Outlook:
        """The chance of running dry within the horizon, and the bounds before it.

        A bound lies before the horizon exactly if the risk is above its level. What was learnt may
        make the risk surer; when the pool runs dry is known no better for that.
        """
        level, rate, noise, doubt, horizon, lively = course
        chance, plain = passage(level, rate, noise, doubt, horizon, returns=True)
        above, slope = self._line(lively)
        shifts = self.calibration.shifts[lively > 0.5]
        if above == 0.0 and slope == 1.0 and not any(shifts):
            return chance, plain
        plain_odds = _odds(chance)
        bent, wider = above + slope * plain_odds, max(1.0, 1.0 / slope)
        found, latest = [], inf
        for odds, shift in zip(LOGITS, shifts, strict=True):
            part = min(0.999, max(1e-9, _chance(plain_odds + (odds + shift - bent) * wider)))
            high = -_NORMAL.inv_cdf(once(part))
            latest = min(latest, _time(course, high))
            found.append(latest if latest < horizon else inf)
        return _bent(chance, above, slope), (found[0], found[1], found[2])

    def stood(self, t: float, course: Course | None, *, dry: bool) -> None:
        """How the pool stands at ``t``: settle what can be settled; lay a forecast of the
        ``course`` aside, if there is one."""
        if dry:
            self.calibration.dried(t)
            return
        self.calibration.ripen(t)
        if course is None or t < self._next:
            return
        chance, _ = passage(*course[:5], returns=True)
        looked_at = (1.0, _odds(chance), course.lively)
        _, bounds = self.outlook(course)
        shadow = Shadow(t, course.horizon, looked_at, bounds, course.lively > 0.5, usages=1)
        self.calibration.lay_aside(shadow)
        self._next = t + _APART * course.horizon

    def state(self) -> dict[str, Any]:
        """Everything remembered, as plain JSON values."""
        kept = self.calibration.state()
        return {**kept, "next": None if self._next == -inf else self._next}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self.calibration.restore(state)
        self._next = -inf if state["next"] is None else state["next"]

    def _line(self, lively: float) -> tuple[float, float]:
        """How log odds are bent: level and slope, as far as what was learnt is trusted."""
        constant, slope, now = self.calibration.coefficients
        share = self.calibration.learnt_share
        slope = max(_LEAST_SLOPE, share * slope + 1.0 - share)
        return share * (constant + now * lively), slope


def _time(course: Course, high: float) -> float:
    level, rate, noise, doubt, _, _ = course
    middle = level / rate if rate > 0.0 else inf
    return min(middle, passage_time(level, rate, noise, doubt, high)) if high > 0.0 else middle


def _bent(chance: float, above: float, slope: float) -> float:
    return _chance(above + slope * _odds(chance)) if chance > 1e-9 else chance


def _odds(chance: float) -> float:
    if chance <= 0.0:
        return -_MOST_ODDS
    if chance >= 1.0:
        return _MOST_ODDS
    return min(_MOST_ODDS, max(-_MOST_ODDS, log(chance / (1.0 - chance))))


def _chance(odds: float) -> float:
    return 1.0 / (1.0 + exp(-min(30.0, max(-30.0, odds))))
