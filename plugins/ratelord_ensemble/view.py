"""What the experts say of one horizon, weighted and bent: risk and bounds as closed forms.

Each expert takes the demand over the horizon as log-normal, with a mean of its own and a variance
of ``lump·mean + doubt·mean²``. Its deviations z, and so every weighted sum of them, are straight
lines in the log of the units left. With a falling line more units left can never mean more risk.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, inf, log, log1p, sqrt
from typing import Final

from ratelord_core.forecast import MEMORIES
from ratelord_ensemble.experts import EXPERTS

_ODDS: Final = 1.2
"""Log odds for each standard deviation, where risk is concerned. Less than is as wide as the normal
curve leaves room for what an expert does not doubt: that its own deviation is an estimate."""
_AS_WIDE: Final = 1.8
"""The logistic curve with so many log odds (π ÷ √3) for each standard deviation is as wide as the
normal one."""
_LATE: Final = 1.0
_LATE_UP_TO: Final = 2.5
"""A pool that more likely than not lasts runs dry late if it does: by so much for each log odds
against it, up to so many."""
_PRECISION: Final = -4.0
"""Experts weigh as this power of their relative variance."""
_LEAST_SLOPE: Final = 0.3
"""What was learnt can flatten how risk depends on what is left to this part, and never turn it."""
_LEAST_LEFT: Final = 0.5
"""Less than this part of a usual lump is as good as it: it lasts until somebody asks."""
_FARTHEST: Final = 5.0
"""Forecasts beyond so many deviations have nothing more to teach."""
_CERTAIN: Final = 30.0
_EXTRA: Final = 5
_SEASONAL: Final = len(MEMORIES)
_LONGEST: Final = len(MEMORIES) - 1
SIZE: Final = 2 + (EXPERTS - 1) + _EXTRA
PRIOR: Final = (0.0, 1.0, *([0.0] * (SIZE - 2)))
BELIEF: Final = (0.5, 1.5, *([6.0] * (EXPERTS - 1)), *([1.0] * _EXTRA))
"""How strongly the calibration starts out believing in its prior: weakly in level and slope,
strongly in the experts' weights."""


class View:
    """The experts' common view of the demand over ``horizon`` seconds.

    ``mean`` are the units expected, ``doubt`` the squared relative doubt about them beyond the
    noise of lumps. ``share`` of the window is ahead, usage was seen ``lively`` (1: now, 0: long
    ago), the newest amount was ``newest`` times the effective lump (its log), and a ``usual`` one
    has so many units.
    """

    __slots__ = (
        "_least",
        "_level",
        "_lines",
        "_log_mean",
        "_main",
        "_newest",
        "_share",
        "_slope",
        "deviation",
        "doubt",
        "horizon",
        "lively",
        "lump",
        "mean",
    )  # fmt: skip

    def __init__(
        self,
        means: list[float],
        doubts: list[float],
        lump: float,
        horizon: float,
        share: float,
        lively: float,
        newest: float,
        usual: float,
    ) -> None:
        self.lump, self.horizon = lump, horizon
        self._least = _LEAST_LEFT * usual
        self.lively, self._share, self._newest = lively, share - 0.5, newest
        lines: list[tuple[float, float]] = []
        weights = mean = doubt = level = slope = 0.0
        for expected, unsure in zip(means, doubts, strict=False):
            variance = lump / expected + unsure
            deviation = sqrt(log1p(variance))
            steepness = 1.0 / deviation
            height = log(expected) * steepness - 0.5 * deviation
            lines.append((height, steepness))
            if len(lines) <= _SEASONAL:
                weight = variance**_PRECISION
                weights += weight
                mean += weight * expected
                doubt += weight * unsure
                level += weight * height
                slope += weight * steepness
        self._lines = lines
        self.mean, self.doubt = mean / weights, doubt / weights
        self._main = (level / weights, slope / weights)
        self._log_mean = log(self.mean)
        self.deviation = sqrt(log1p(lump / self.mean + self.doubt))
        self._level = self._slope = 0.0

    def bend(self, learnt: Sequence[float], trust: float) -> None:
        """Take the calibration's coefficients into account, as far as they are trusted (0 … 1)."""
        height, steepness = self._main
        own = learnt[1] + learnt[-3] * self._share + learnt[-2] * self.lively
        level = slope = 0.0
        for place, (above, steep) in enumerate(self._lines):
            if place != _LONGEST:
                weight = learnt[2 + place - (place > _LONGEST)]
                own -= weight
                level += weight * above
                slope += weight * steep
        level = _ODDS * (level + own * height) + learnt[0] + learnt[-5] * self.lively
        level += learnt[-1] * self._newest - learnt[-4] * log(self.lump) / 3.0
        slope = learnt[-4] / 3.0 - _ODDS * (slope + own * steepness)
        level = trust * level + (1.0 - trust) * _ODDS * height
        slope = trust * slope - (1.0 - trust) * _ODDS * steepness
        flattest = -_LEAST_SLOPE * _ODDS / self.deviation
        if slope > flattest:
            level += (slope - flattest) * self._log_mean
            slope = flattest
        self._level, self._slope = level, slope

    def features(self, left: float) -> tuple[float, ...]:
        """What a calibration may learn from, if ``left`` units remain."""
        height, steepness = self._main
        reach = _FARTHEST / steepness
        middle = height / steepness
        log_left = min(middle + reach, max(middle - reach, log(max(left, self._least))))
        main = _ODDS * (height - steepness * log_left)
        found = [1.0, main]
        for place, (above, steep) in enumerate(self._lines):
            if place != _LONGEST:
                found.append(_ODDS * (above - steep * log_left) - main)
        found += [0.0] * (SIZE - _EXTRA - len(found))
        found += (
            self.lively,
            (log_left - log(self.lump)) / 3.0,
            main * self._share,
            main * self.lively,
            self._newest,
        )
        return tuple(found)

    def risk(self, left: float) -> float:
        """The probability that more than ``left`` units are asked for."""
        odds = self._level + self._slope * log(max(left, self._least))
        if odds < -_CERTAIN:
            return 0.0
        return 1.0 / (1.0 + exp(-odds)) if odds < _CERTAIN else 1.0

    def bounds(self, left: float, levels: Sequence[float]) -> tuple[float, float, float]:
        """Seconds for which ``left`` units last but with the chance (log odds) of each level, the
        most likely first; ``inf`` beyond the horizon.

        The time to use up R units is taken as log-normal around R ÷ rate; relative to the horizon
        it is placed so that a bound passes the horizon exactly when the risk passes its level. What
        was learnt flattens the risk, because demand over a whole window is known badly; when in it
        the pool runs dry is known no worse for that.
        """
        left = max(left, self._least)
        log_left = log(left)
        odds = self._level + self._slope * log_left
        ahead = self._log_mean - log_left
        here = ahead / self.deviation
        above = min(1.0 / _ODDS, 1.0 / (-self._slope * self.deviation))
        below = min(1.0 / _AS_WIDE, above)
        late = below / (1.0 + _LATE * min(_LATE_UP_TO, -odds)) if odds < 0.0 else below
        wide = sqrt(log1p(self.lump / left + self.doubt)) if ahead > 0.0 else self.deviation
        pace = self.horizon / self.mean
        found, latest = [], inf
        for level, step in zip(levels, (late, late, below), strict=True):
            if odds > level:
                z = here + (max(0.0, level) - max(0.0, odds)) * above
                z += (min(0.0, level) - min(0.0, odds)) * step
                spread = wide if z < 0.0 else self.deviation
                latest = min(latest, pace * exp(min(log_left + spread * z, self._log_mean)))
            found.append(latest)
        return (found[0], found[1], found[2])
