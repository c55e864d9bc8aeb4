"""Learns from settled forecasts how to bend the next ones: risk by logistic regression, bounds by
adaptive conformal steps.

While a window runs, a model lays shadow forecasts aside: what it would have said, and what it
looked at. When the window has ended it is known which of them came true. The regression is the mode
of a Gaussian posterior that forgets towards its prior; it costs no stored samples, only a vector
and a matrix. Beside it the unlearned forecast stays in the running, and the two are weighted by
their log loss: over a short history the unlearned one is often the better.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, inf, log, sqrt
from typing import Any, Final, NamedTuple

from ratelord_core.forecast.normal_equations import solve
from ratelord_core.forecast.occasions import INSTANTS

LEVELS: Final = (0.5, 0.1, 0.01)
"""The chance with which each bound (p50, p90, p99) may fail."""
LOGITS: Final = tuple(log(level / (1.0 - level)) for level in LEVELS)

_FORGET: Final = 0.999
"""How much each window leaves of what was learnt before."""
_SHARING: Final = 0.7
"""n times the usual number of usages weigh n to the power of this: they share their fate."""
_LEAST_RISK: Final = 0.03
"""A shadow that says less has nothing to teach."""
_MOST_PENDING: Final = 64
"""Shadows of one window at most: what its end costs must not grow with what was used in it."""
_STEP: Final = 0.12
"""The conformal step, in standard deviations of one settled bound."""
_MOST_TOLD: Final = 1.25
"""Bounds told in a window move the step by their weight, and by no more than this: a window that
told of few must not outweigh one that told of many, nor a busy one all others."""
_EARLIEST, _LATEST = -5.0, 1.5


_Row = tuple[float, tuple[float, ...]]


class Shadow(NamedTuple):
    """One forecast laid aside at ``t``: the horizon and the bounds in seconds from then on. It
    stands for so many ``usages`` of the pool; 0: for an instant that no usage chose."""

    t: float
    horizon: float
    looked_at: tuple[float, ...]
    bounds: tuple[float, float, float]
    lively: bool
    usages: int = 0


class Calibration:
    """Bends the risk and the bounds of one pool's forecasts.

    A model describes each forecast by a few numbers; their product with ``coefficients`` is the
    calibrated log odds. ``prior`` are the coefficients that leave the forecast as it is, ``belief``
    how strongly each is believed in (precisions). ``shifts`` are added to the log odds of the
    three levels: separately for a pool in use and for a quiet one.
    """

    def __init__(self, prior: Sequence[float], belief: Sequence[float]) -> None:
        self._prior, self._belief = tuple(prior), tuple(belief)
        self.coefficients = list(prior)
        self._precision = [
            [weight if row == column else 0.0 for column in range(row + 1)]
            for row, weight in enumerate(belief)
        ]
        self._trust = 0.0  # log odds that what was learnt is the better
        self.learnt_share = _share(self._trust)
        self.shifts = [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
        self._pending: list[Shadow] = []
        self._exhausted_at: float | None = None
        self._windows = 0

    @property
    def waiting(self) -> bool:
        """Whether it is still open what becomes of this window."""
        return self._exhausted_at is None

    def lay_aside(self, shadow: Shadow) -> bool:
        """Remember a forecast until it is known whether it came true. Whether there were so many
        that every other usage's was let go of, and the one after it stands for both."""
        self._pending.append(shadow)
        if len(self._pending) <= _MOST_PENDING:
            return False
        self._pending = _thinned(self._pending)
        return True

    def exhausted(self, t: float) -> None:
        """The pool ran dry."""
        if self._exhausted_at is None:
            self._exhausted_at = t

    def settle(self, usual: float = 1.0) -> None:
        """The window ended, and so many usages are ``usual`` in one: learn from what became of the
        shadows, and begin anew."""
        pending, ended = self._pending, self._exhausted_at
        self._pending, self._exhausted_at = [], None
        if pending:
            self._conclude(pending, inf if ended is None else ended, usual, whole=True)

    def ripen(self, t: float) -> None:
        """In a window that never ends: learn from shadows whose horizon has passed, all well."""
        ripe = [shadow for shadow in self._pending if t >= shadow.t + shadow.horizon]
        if ripe:
            self._pending = [shadow for shadow in self._pending if shadow not in ripe]
            self._conclude(ripe, inf)

    def dried(self, t: float) -> None:
        """In a window that never ends: it ran dry, so every shadow that is not ripe came true."""
        self.ripen(t)
        pending, self._pending = self._pending, []
        if pending:
            self._conclude(pending, t)

    def _conclude(
        self, pending: list[Shadow], ended: float, usual: float = 1.0, *, whole: bool = False
    ) -> None:
        came_true = ended < inf
        weights = _weights(pending, usual)
        self._windows += 1
        self._adapt(pending, weights, ended, whole)
        self._weigh(pending, weights, came_true)
        self._learn(pending, weights, 1.0 if came_true else 0.0)

    def state(self) -> dict[str, Any]:
        """Everything remembered, as plain JSON values."""
        return {
            "coefficients": list(self.coefficients),
            "precision": [list(row) for row in self._precision],
            "trust": self._trust,
            "shifts": [list(row) for row in self.shifts],
            "pending": [
                [s.t, s.horizon, s.looked_at, [_plain(b) for b in s.bounds], s.lively, s.usages]
                for s in self._pending
            ],
            "exhausted_at": self._exhausted_at,
            "windows": self._windows,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self.coefficients = list(state["coefficients"])
        self._precision = [list(row) for row in state["precision"]]
        self._trust = state["trust"]
        self.learnt_share = _share(self._trust)
        self.shifts = [list(row) for row in state["shifts"]]
        self._pending = [
            Shadow(t, horizon, tuple(looked), (_time(a), _time(b), _time(c)), lively, usages)
            for t, horizon, looked, (a, b, c), lively, usages in state["pending"]
        ]
        self._exhausted_at = state["exhausted_at"]
        self._windows = state["windows"]

    def _adapt(
        self, pending: list[Shadow], weights: list[float], ended: float, whole: bool
    ) -> None:
        """A bound that failed too often moves to the safe side, and back by less: as far as the
        ``whole`` window told of such bounds. Shadows that end one by one weigh alike."""
        for lively, shifts in zip((False, True), self.shifts, strict=True):
            for place, level in enumerate(LEVELS):
                failed = told = 0.0
                for shadow, weight in zip(pending, weights, strict=True):
                    bound = shadow.bounds[place]
                    if shadow.lively is lively and bound < shadow.horizon:
                        told += weight
                        failed += weight * (ended - shadow.t < bound)
                if told:
                    step = _STEP * (level - failed / told) / sqrt(level * (1.0 - level))
                    step *= min(_MOST_TOLD, told) if whole else 1.0
                    shifts[place] = min(_LATEST, max(_EARLIEST, shifts[place] + step))

    def _weigh(self, pending: list[Shadow], weights: list[float], came_true: bool) -> None:
        sign = -1.0 if came_true else 1.0
        better = 0.0
        for shadow, weight in zip(pending, weights, strict=True):
            plain = _loss(sign * _dot(self._prior, shadow.looked_at))
            learnt = _loss(sign * _dot(self.coefficients, shadow.looked_at))
            better += weight * (plain - learnt)
        share = _share(self._trust + better / sum(weights))
        mixed = max(0.001, min(0.02, 1.0 / (self._windows + 10)))
        share = (1.0 - mixed) * share + 0.5 * mixed
        self._trust = log(share / (1.0 - share))
        self.learnt_share = _share(self._trust)

    def _learn(self, pending: list[Shadow], weights: list[float], outcome: float) -> None:
        rows = [
            (weight, s.looked_at)
            for s, weight in zip(pending, weights, strict=True)
            if _risk(_dot(self._prior, s.looked_at)) > _LEAST_RISK
        ]
        if not rows:
            return
        self._forget()
        anchor = list(self.coefficients)
        for _ in range(2):
            self._newton(rows, outcome, anchor)
        self._absorb(self._precision, rows)

    def _forget(self) -> None:
        for row, line in enumerate(self._precision):
            for column in range(row + 1):
                line[column] *= _FORGET
            line[row] += (1.0 - _FORGET) * self._belief[row]

    def _newton(self, rows: list[_Row], outcome: float, anchor: list[float]) -> None:
        """One step towards the mode of: the posterior before, a breath of the prior, the data."""
        now = self.coefficients
        size = range(len(now))
        curve = [list(line) for line in self._precision]
        moved = [now[i] - anchor[i] for i in size]
        slope = [0.0] * len(now)
        for i in size:
            pull = (1.0 - _FORGET) * self._belief[i] * (anchor[i] - self._prior[i])
            slope[i] -= pull
            line = curve[i]
            for j in range(i + 1):
                slope[i] -= line[j] * moved[j]
                if j != i:
                    slope[j] -= line[j] * moved[i]
        for weight, row in rows:
            gain = weight * (outcome - _risk(_dot(now, row)))
            for i in size:
                slope[i] += gain * row[i]
        self._absorb(curve, rows)
        step = solve(curve, slope)
        self.coefficients = [now[i] + min(1.0, max(-1.0, step[i])) for i in size]

    def _absorb(self, curve: list[list[float]], rows: list[_Row]) -> None:
        for weight, row in rows:
            risk = _risk(_dot(self.coefficients, row))
            certainty = weight * max(0.01, risk * (1.0 - risk))
            for i, line in enumerate(curve):
                scaled = certainty * row[i]
                for j in range(i + 1):
                    line[j] += scaled * row[j]


def _thinned(pending: list[Shadow]) -> list[Shadow]:
    """Every other usage's shadow stands for the one before it as well; instants stay."""
    kept: list[Shadow] = []
    carried = 0
    for shadow in pending:
        if not shadow.usages:
            kept.append(shadow)
        elif carried:
            kept.append(shadow._replace(usages=carried + shadow.usages))
            carried = 0
        else:
            carried = shadow.usages
    if carried:  # the newest has nobody after it
        kept.append(next(one for one in reversed(pending) if one.usages))
    return kept


def _weights(pending: list[Shadow], usual: float) -> list[float]:
    """What each shadow of one window weighs: the instants of a whole window one together, the
    usages of a usual one, too, and those of another nearly so much more or less."""
    usages = sum([shadow.usages for shadow in pending])
    each = (usages / usual) ** _SHARING / usages if usages else 0.0
    return [shadow.usages * each or 1.0 / INSTANTS for shadow in pending]


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum([a * b for a, b in zip(left, right, strict=True)])


def _risk(odds: float) -> float:
    return 1.0 / (1.0 + exp(-min(12.0, max(-12.0, odds))))


def _share(trust: float) -> float:
    return 1.0 / (1.0 + exp(-min(12.0, max(-12.0, trust))))


def _loss(odds: float) -> float:
    """Minus the log of the probability of what happened, whose log odds are ``-odds``; no single
    forecast counts for more than one that was 99 % sure and wrong."""
    return min(4.6, max(0.01, log(1.0 + exp(min(12.0, odds)))))


def _plain(value: float) -> float | None:
    return value if abs(value) < inf else None


def _time(value: float | None) -> float:
    return inf if value is None else value
