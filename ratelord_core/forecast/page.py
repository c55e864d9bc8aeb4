"""One pool's page in the book: its model, guarded, and what was last answered and announced."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import Any, Final

import msgspec

from ratelord_core.forecast.announced import Announced
from ratelord_core.forecast.protocol import ForecastModel, ForecastModelFactory
from ratelord_core.forecast.slices import Slices
from ratelord_core.forecast.track import Trials
from ratelord_core.model.forecast import Forecast
from ratelord_core.model.instant import DAY, HOUR, SECOND, Micros, to_seconds
from ratelord_core.model.party import Party
from ratelord_core.model.pool import MAX_UNITS, Pool
from ratelord_core.model.window import Window

_log = logging.getLogger(__name__)

_ENDING: Final = frozenset({"fixed", "calendar"})
"""Windows that end, so that forecasts come true or do not."""
_CALENDAR: Final = {"hour": HOUR, "day": DAY, "week": 7 * DAY, "month": 30 * DAY}
_FINEST: Final = 256
"""Answers of one pool state are shared within this part of its window …"""
_LONGEST: Final = SECOND
"""… but never longer than this."""


class Standing(msgspec.Struct, frozen=True, gc=False):
    """Where a pool stands: ``available`` units now, the next reset, and for how many seconds data
    have been missing beyond what is normal."""

    available: int
    reset_at: Micros | None = None
    staleness: float = 0.0


class Rank(msgspec.Struct, frozen=True, gc=False):
    """A probability of exhaustion that serves ``until`` an instant, as long as the pool stands
    about (with ``least`` to ``most`` units available) where it stood."""

    until: Micros
    least: int
    most: int
    reset_at: Micros | None
    staleness: float
    p_exhaustion: float


class Calm(msgspec.Struct, frozen=True, gc=False):
    """A forecast without danger, which serves ``until`` an instant whoever leaves at least
    ``least`` units in the pool."""

    until: Micros
    least: int
    reset_at: Micros | None
    staleness: float
    forecast: Forecast


class Guard:
    """Around every call into a model: one that raises, or answers nonsense, is not asked again,
    because its memory cannot be trusted. The daemon lives on; ``failed`` says what happened, by
    pool."""

    def __init__(self, model_id: str, pool: str, failed: dict[str, str]) -> None:
        self._who = f"forecast model {model_id} failed for pool {pool}"
        self._pool = pool
        self._failed = failed

    @property
    def failure(self) -> str:
        """Why the model is not asked any more; empty while it is."""
        return self._failed.get(self._pool, "")

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        if error is None:
            return False
        if not isinstance(error, Exception):
            return False
        self.report(error)
        return True

    def report(self, error: Exception) -> None:
        """The model failed."""
        self._failed[self._pool] = (
            f"{self._who} with {type(error).__name__}: {error}; its risk is unknown until the "
            "daemon starts again, another model can be chosen with the setting forecast_model"
        )
        _log.error("%s", self.failure)


class Page:
    """A model with the pool that it watches."""

    def __init__(self, factory: ForecastModelFactory, pool: Pool, failed: dict[str, str]) -> None:
        self.pool = pool
        self.model_id, self.model_version = factory.model_id, factory.model_version
        self.guard = Guard(factory.model_id, pool.key, failed)
        self.announced: Announced | None = None
        self.last: tuple[object, Forecast] | None = None
        self.ranked: Rank | None = None
        self.calm: Calm | None = None
        self.span = span_of(pool.window)
        self.quantum = max(1, min(_LONGEST, (self.span or HOUR) // _FINEST))
        self.used = 0
        self.trials = Trials(to_seconds(self.span or HOUR))
        self.slices = Slices(self.span or HOUR)
        self._model: ForecastModel | None = None
        with self.guard:
            seconds = None if self.span is None else to_seconds(self.span)
            self._model = factory.build(float(pool.limit or 0), seconds)

    def observe(self, at: Micros, units: int, party: Party) -> None:
        """So many units were asked for, or seen to be spent; negative: fewer than was told."""
        self.last = None
        self.used += units
        self.slices.count(at, units, party)
        if self._model is not None:
            t = at / SECOND
            try:
                self._model.observe(t, float(units))
            except Exception as error:  # noqa: BLE001 - a plugin's model may raise anything
                self._fail(error)
            if self.used >= (self.pool.limit or MAX_UNITS):
                self._ran_dry(at, units)
            elif t >= self.trials.due:
                self._try_out(t)

    def refused(self, at: Micros, party: Party) -> None:
        """Somebody asked and was not let through."""
        self.last = None
        self.slices.refused(at, party)
        if self._model is not None:
            try:
                self._model.refused(at / SECOND)
            except Exception as error:  # noqa: BLE001 - a plugin's model may raise anything
                self._fail(error)

    def window(self, at: Micros, used: int, reset_at: Micros | None) -> None:
        """The pool's window as it is now: after a reset, or when its shape changed."""
        self.last = self.ranked = self.calm = None
        if self._model is not None:
            reset = None if reset_at is None else to_seconds(reset_at)
            limit, kind = float(self.pool.limit or 0), self.pool.window.kind
            with self.guard:
                self._model.window(to_seconds(at), limit, float(used), reset, kind)
            self._drop_if_failed()
            self.used = used
            if used < limit:
                self.slices.opened(at)
            self.trials.begin(to_seconds(at), reset if kind in _ENDING else None)
            if used >= limit:
                self.trials.exhausted(to_seconds(at))
            elif to_seconds(at) >= self.trials.due:
                self._try_out(to_seconds(at))

    def widen(self, at: Micros, units: int) -> None:
        """Usage of that size was not foreseen."""
        self.last = self.ranked = self.calm = None
        if self._model is not None:
            with self.guard:
                self._model.widen(to_seconds(at), float(units))
            self._drop_if_failed()

    def forecast(
        self, now: Micros, remaining: int, reset_at: Micros | None, extra: int, staleness: float
    ) -> Forecast | None:
        """What the model says; None if it has failed."""
        if self._model is None:
            return None
        reset = None if reset_at is None else reset_at / SECOND
        try:
            return sane(
                self._model.forecast(now / SECOND, float(remaining), reset, float(extra), staleness)
            )
        except Exception as error:  # noqa: BLE001 - a plugin's model may raise anything
            self._fail(error)
            return None

    def state(self) -> dict[str, Any] | None:
        """The model's memory; None if there is none to trust."""
        memory: dict[str, Any] | None = None
        if self._model is not None:
            with self.guard:
                memory = self._model.state()
            self._drop_if_failed()
        return memory

    def restore(self, memory: dict[str, Any]) -> None:
        """Give the model its memory back."""
        self.last = self.ranked = self.calm = None
        if self._model is not None:
            with self.guard:
                self._model.restore(memory)
            self._drop_if_failed()

    def _ran_dry(self, at: Micros, units: int) -> None:
        self.trials.exhausted(at / SECOND)
        if self.used - units < (self.pool.limit or 0) and self.pool.window.kind in _ENDING:
            self.slices.shut(at)

    def _try_out(self, t: float) -> None:
        """Lay a forecast aside, to see what becomes of it."""
        reset_at, left = self.trials.reset_at, float((self.pool.limit or 0) - self.used)
        if self._model is not None and left > 0.0:
            try:
                said = sane(self._model.forecast(t, left, reset_at))
            except Exception as error:  # noqa: BLE001 - a plugin's model may raise anything
                self._fail(error)
            else:
                self.trials.lay_aside(t, said)

    def _fail(self, error: Exception) -> None:
        self.guard.report(error)
        self._model = self.ranked = self.calm = None

    def _drop_if_failed(self) -> None:
        if self.guard.failure:
            self._model = self.calm = None


def span_of(window: Window) -> Micros | None:
    """A window's length in µs (a month counts 30 days); None if it is not known."""
    if window.kind == "calendar":
        return _CALENDAR[window.unit or "day"]
    return window.every


def sane(said: Forecast) -> Forecast:
    """An answer that makes sense; any other is a ``ValueError``."""
    if 0.0 <= said.tte_p99 <= said.tte_p90 <= said.tte_p50 and 0.0 <= said.p_exhaustion <= 1.0:
        return said
    raise ValueError(f"bounds out of order or a probability outside 0 … 1: {said}")
