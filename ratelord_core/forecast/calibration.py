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

LEVELS: Final = (0.5, 0.1, 0.01)
"""The chance with which each bound (p50, p90, p99) may fail."""
LOGITS: Final = tuple(log(level / (1.0 - level)) for level in LEVELS)

_SHADOWS: Final = 16
"""Shadow forecasts that observations may cast in one window, at most."""
_FORGET: Final = 0.998
"""How much each window leaves of what was learnt before."""
_SHARING: Final = 0.7
"""n shadows of one window, which share their fate, weigh as much as n to the power of 1 − this."""
_LEAST_RISK: Final = 0.005
"""A shadow that says less has nothing to teach."""
_STEP: Final = 0.05
"""The conformal step, in standard deviations of one settled bound."""
_EARLIEST, _LATEST = -2.5, 1.5
_FIRST_TRUST: Final = -0.5
"""The log odds that what was learnt is better than what was not, before anything has settled."""


class Shadow(NamedTuple):
    """One forecast laid aside at ``t``: the horizon and the bounds in seconds from then on."""

    t: float
    horizon: float
    looked_at: tuple[float, ...]
    bounds: tuple[float, float, float]
    lively: bool


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
        self._trust = _FIRST_TRUST
        self.learnt_share = _share(_FIRST_TRUST)
        self.shifts = [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
        self._pending: list[Shadow] = []
        self._exhausted_at: float | None = None
        self._next = -inf
        self._windows = 0

    def wants(self, t: float) -> bool:
        """Whether a shadow forecast at ``t`` would teach something."""
        return t >= self._next and self._exhausted_at is None

    def lay_aside(self, shadow: Shadow, window: float) -> None:
        """Remember a forecast until the window of so many seconds has ended."""
        self._pending.append(shadow)
        self._next = shadow.t + window / _SHADOWS

    def exhausted(self, t: float) -> None:
        """The pool ran dry."""
        if self._exhausted_at is None:
            self._exhausted_at = t

    def settle(self, t: float) -> None:
        """The window ended: learn from what became of the shadows, and begin anew at ``t``."""
        pending, ended = self._pending, self._exhausted_at
        self._pending, self._exhausted_at, self._next = [], None, t
        if pending:
            self._conclude(pending, inf if ended is None else ended)

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

    def _conclude(self, pending: list[Shadow], ended: float) -> None:
        came_true = ended < inf
        self._windows += 1
        self._adapt(pending, ended)
        self._weigh(pending, came_true)
        self._learn(pending, 1.0 if came_true else 0.0)

    def state(self) -> dict[str, Any]:
        """Everything remembered, as plain JSON values."""
        return {
            "coefficients": list(self.coefficients),
            "precision": [list(row) for row in self._precision],
            "trust": self._trust,
            "shifts": [list(row) for row in self.shifts],
            "pending": [
                [s.t, s.horizon, list(s.looked_at), [_plain(b) for b in s.bounds], s.lively]
                for s in self._pending
            ],
            "exhausted_at": self._exhausted_at,
            "next": _plain(self._next),
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
            Shadow(t, horizon, tuple(looked), (_time(a), _time(b), _time(c)), lively)
            for t, horizon, looked, (a, b, c), lively in state["pending"]
        ]
        self._exhausted_at = state["exhausted_at"]
        self._next = -inf if state["next"] is None else state["next"]
        self._windows = state["windows"]

    def _adapt(self, pending: list[Shadow], ended: float) -> None:
        """A bound that failed too often moves to the safe side, and back by less."""
        for lively, shifts in zip((False, True), self.shifts, strict=True):
            for place, level in enumerate(LEVELS):
                failed = told = 0
                for shadow in pending:
                    bound = shadow.bounds[place]
                    if shadow.lively is lively and bound < shadow.horizon:
                        told += 1
                        failed += ended - shadow.t < bound
                if told:
                    step = _STEP * (level - failed / told) / sqrt(level * (1.0 - level))
                    shifts[place] = min(_LATEST, max(_EARLIEST, shifts[place] + step))

    def _weigh(self, pending: list[Shadow], came_true: bool) -> None:
        sign = -1.0 if came_true else 1.0
        plain = learnt = 0.0
        for shadow in pending:
            plain += _loss(sign * _dot(self._prior, shadow.looked_at))
            learnt += _loss(sign * _dot(self.coefficients, shadow.looked_at))
        share = _share(self._trust + (plain - learnt) / len(pending))
        mixed = max(0.001, min(0.02, 1.0 / (self._windows + 10)))
        share = (1.0 - mixed) * share + 0.5 * mixed
        self._trust = log(share / (1.0 - share))
        self.learnt_share = _share(self._trust)

    def _learn(self, pending: list[Shadow], outcome: float) -> None:
        weight = len(pending) ** -_SHARING
        rows = [s.looked_at for s in pending if _risk(_dot(self._prior, s.looked_at)) > _LEAST_RISK]
        if not rows:
            return
        self._forget()
        anchor = list(self.coefficients)
        for _ in range(2):
            self._newton(rows, weight, outcome, anchor)
        self._absorb(self._precision, rows, weight)

    def _forget(self) -> None:
        for row, line in enumerate(self._precision):
            for column in range(row + 1):
                line[column] *= _FORGET
            line[row] += (1.0 - _FORGET) * self._belief[row]

    def _newton(
        self, rows: list[tuple[float, ...]], weight: float, outcome: float, anchor: list[float]
    ) -> None:
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
        for row in rows:
            gain = weight * (outcome - _risk(_dot(now, row)))
            for i in size:
                slope[i] += gain * row[i]
        self._absorb(curve, rows, weight)
        step = solve(curve, slope)
        self.coefficients = [now[i] + min(1.0, max(-1.0, step[i])) for i in size]

    def _absorb(
        self, curve: list[list[float]], rows: list[tuple[float, ...]], weight: float
    ) -> None:
        for row in rows:
            risk = _risk(_dot(self.coefficients, row))
            certainty = weight * max(0.01, risk * (1.0 - risk))
            for i, line in enumerate(curve):
                scaled = certainty * row[i]
                for j in range(i + 1):
                    line[j] += scaled * row[j]


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
