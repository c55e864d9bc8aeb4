"""How forecasts fared: kept up forecast by forecast, in memory that never grows."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, log
from typing import Any, Final, NamedTuple

from ratelord_core.model.forecast import Forecast, Score

LEVELS: Final = (0.5, 0.1, 0.01)
"""The chance with which each bound (p50, p90, p99) may fail."""
BINS: Final = 10
"""Bins of equal width in which what was said is held against what came."""
_LEAST: Final = 1e-3
"""No single forecast counts for more than one that was 99.9 % sure and wrong."""
_TRIALS: Final = 8
"""Forecasts that observations may lay aside in one window, at most."""
_FIELDS: Final = (
    "forecasts", "windows", "came", "squares", "logs", "pinballs", "said", "number", "seen", "told",
    "held",
)  # fmt: skip


class Bin(NamedTuple):
    """Forecasts of about the same risk: their number, their mean risk, and how many came true."""

    number: int
    said: float
    seen: float


class TrackRecord:
    """Sums over settled forecasts."""

    def __init__(self) -> None:
        self.forecasts = self.windows = self.came = 0
        self.squares = self.logs = self.pinballs = 0.0
        self.said = [0.0] * BINS
        self.number = [0] * BINS
        self.seen = [0] * BINS
        self.told = [0] * len(LEVELS)
        self.held = [0] * len(LEVELS)

    def settle(
        self, risk: float, bounds: Sequence[float], horizon: float, lasted: float, window: float
    ) -> None:
        """A forecast came to its end: the pool lasted so many seconds (``inf``: beyond the reset,
        which was ``horizon`` seconds away) of a ``window``."""
        came = lasted < horizon
        self.forecasts += 1
        self.came += came
        self.squares += (risk - came) ** 2
        likely = risk if came else 1.0 - risk
        self.logs -= log(min(1.0 - _LEAST, max(_LEAST, likely)))
        place = min(BINS - 1, int(risk * BINS))
        self.number[place] += 1
        self.said[place] += risk
        self.seen[place] += came
        for each, (level, bound) in enumerate(zip(LEVELS, bounds, strict=True)):
            if bound < horizon:  # settled by the reset, whatever comes: nothing is cut off
                self.told[each] += 1
                self.held[each] += lasted >= bound
            miss = min(lasted, horizon) - min(bound, horizon)
            self.pinballs += max(level * miss, (level - 1.0) * miss) / (window * len(LEVELS))

    def add(self, other: TrackRecord) -> None:
        """Count another record's forecasts too."""
        for name in _FIELDS:
            mine, more = getattr(self, name), getattr(other, name)
            if isinstance(mine, list):
                setattr(self, name, [a + b for a, b in zip(mine, more, strict=True)])
            else:
                setattr(self, name, mine + more)

    def score(self) -> Score | None:
        """The record as figures; None before anything has settled."""
        count = self.forecasts
        if not count:
            return None
        base = self.came / count
        brier, constant = self.squares / count, base * (1.0 - base)
        covered = [
            held / told if told else None for held, told in zip(self.held, self.told, strict=True)
        ]
        return Score(
            forecasts=count,
            windows=self.windows,
            base_rate=base,
            brier=brier,
            skill=1.0 - brier / constant if constant > 0.0 else None,
            log_loss=self.logs / count,
            calibration_error=calibration_error(self.said, self.seen, count),
            coverage_p50=covered[0],
            coverage_p90=covered[1],
            coverage_p99=covered[2],
            pinball_percent=100.0 * self.pinballs / count,
        )

    def bins(self) -> list[Bin]:
        """What was said and what came, for each bin of the risk."""
        return [
            Bin(number, said / number if number else 0.0, seen / number if number else 0.0)
            for number, said, seen in zip(self.number, self.said, self.seen, strict=True)
        ]

    def state(self) -> list[Any]:
        """Everything remembered, as plain JSON values."""
        kept = (getattr(self, name) for name in _FIELDS)
        return [list(value) if isinstance(value, list) else value for value in kept]

    def restore(self, state: list[Any]) -> None:
        """Continue from a state."""
        for name, value in zip(_FIELDS, state, strict=True):
            setattr(self, name, list(value) if isinstance(value, list) else value)


class Trials:
    """One pool's forecasts that wait for the end of their window, and the record of those before.

    Times are seconds. In windows that never end (sliding ones, buckets, slots) each forecast has an
    end of its own: see ``stood``.
    """

    def __init__(self, window: float) -> None:
        self.record = TrackRecord()
        self.due = inf
        """From when on a forecast would be worth laying aside."""
        self._window = window
        self.reset_at: float | None = None
        self._waiting: list[tuple[float, float, float, tuple[float, float, float]]] = []
        self._empty_at = inf
        self._counted_to = 0.0

    def begin(self, t: float, reset_at: float | None) -> None:
        """The window is known to end at ``reset_at``: settle the one before, if it has ended."""
        before = self.reset_at
        if before is not None and t >= before:
            self._settle()
        if before is None or reset_at is None or t >= before:
            self._waiting, self._empty_at = [], inf
            self.due = inf if reset_at is None or t >= reset_at else t
        self.reset_at = reset_at

    def lay_aside(self, t: float, said: Forecast) -> None:
        """Remember what is said now."""
        reset_at = self.reset_at
        self.due = inf
        if reset_at is not None and t < reset_at:
            bounds = (said.tte_p50, said.tte_p90, said.tte_p99)
            self._waiting.append((t, reset_at - t, said.p_exhaustion, bounds))
            self.due = t + self._window / _TRIALS

    def stood(self, t: float, *, dry: bool) -> bool:
        """A window that never ends stands so: settle forecasts whose time has come, all if it is
        ``dry``. Whether another would be worth laying aside."""
        kept = []
        for trial in self._waiting:
            since, horizon, risk, bounds = trial
            if t >= since + horizon or dry:
                lasted = t - since if t < since + horizon else inf
                self.record.settle(risk, bounds, horizon, lasted, horizon)
                self._count_window(since, horizon)
            else:
                kept.append(trial)
        self._waiting = kept
        if self.due == inf:
            self.due = t
        return not dry and t >= self.due

    def lay_aside_for(self, t: float, horizon: float, said: Forecast) -> None:
        """Remember what is said now of the next ``horizon`` seconds."""
        bounds = (said.tte_p50, said.tte_p90, said.tte_p99)
        self._waiting.append((t, horizon, said.p_exhaustion, bounds))
        self.due = t + horizon / _TRIALS

    def _count_window(self, since: float, horizon: float) -> None:
        if since >= self._counted_to:
            self.record.windows += 1
            self._counted_to = since + horizon

    def exhausted(self, t: float) -> None:
        """The pool ran dry."""
        self._empty_at = min(self._empty_at, t)
        self.due = inf

    def score(self, t: float) -> Score | None:
        """The record at ``t`` as figures. Of a window that never ends nobody tells while it is left
        alone: what would have ended by then counts as held."""
        if self.reset_at is not None or all(t < since + far for since, far, _, _ in self._waiting):
            return self.record.score()
        later = Trials(self._window)
        later.restore(self.state())
        later.stood(t, dry=False)
        return later.record.score()

    def drop(self) -> None:
        """Nobody knows what became of the forecasts that wait."""
        self._waiting, self.reset_at, self.due = [], None, inf

    def state(self) -> list[Any]:
        """Everything remembered, as plain JSON values."""
        waiting = [[t, h, p, [_plain(bound) for bound in b]] for t, h, p, b in self._waiting]
        rest = [self.reset_at, _plain(self.due), _plain(self._empty_at), self._counted_to]
        return [self.record.state(), waiting, *rest]

    def restore(self, state: list[Any]) -> None:
        """Continue from a state."""
        record, waiting, self.reset_at, due, empty_at, self._counted_to = state
        self.record.restore(record)
        self._waiting = [
            (t, h, p, (_time(b[0]), _time(b[1]), _time(b[2]))) for t, h, p, b in waiting
        ]
        self.due, self._empty_at = _time(due), _time(empty_at)

    def _settle(self) -> None:
        self.record.windows += bool(self._waiting)
        for t, horizon, risk, bounds in self._waiting:
            self.record.settle(risk, bounds, horizon, self._empty_at - t, self._window)


def calibration_error(said: Sequence[float], seen: Sequence[float], count: int) -> float:
    """The expected calibration error: the mean distance between what was said and what came, over
    bins given by their sums."""
    return sum(abs(a - b) for a, b in zip(said, seen, strict=True)) / max(1, count)


def _plain(value: float) -> float | None:
    return value if value < inf else None


def _time(value: float | None) -> float:
    return inf if value is None else value
