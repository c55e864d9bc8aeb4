"""One pool's page in the book: its model, guarded, and what was last answered and announced."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from ratelord_core.forecast.announced import Announced
from ratelord_core.forecast.failure import Failure, Guard
from ratelord_core.forecast.flow import FLOWING, Flow
from ratelord_core.forecast.protocol import ForecastModel, ForecastModelFactory
from ratelord_core.forecast.slices import Slices
from ratelord_core.forecast.terms import sane, scale_of, span_of
from ratelord_core.forecast.track import Trials
from ratelord_core.model.forecast import Forecast
from ratelord_core.model.instant import HOUR, SECOND, Micros, to_seconds
from ratelord_core.model.party import Party
from ratelord_core.model.pool import MAX_UNITS, Pool

_ENDING: Final = frozenset({"fixed", "calendar"})
"""Windows that end, so that forecasts come true or do not."""
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


class Page:
    """A model with the pool that it watches."""

    def __init__(
        self, factory: ForecastModelFactory, pool: Pool, failed: dict[str, Failure]
    ) -> None:
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
        self.flow = Flow(pool.window.kind) if pool.window.kind in FLOWING else None
        self._model: ForecastModel | None = None
        with self.guard:
            self._model = _made(factory.build(float(pool.limit or 0), scale_of(pool, self.span)))

    def observe(self, at: Micros, units: int, party: Party) -> bool:
        """So many units were asked for, or seen to be spent; negative: fewer than was told. Whether
        the ledger must be asked how the pool stands (see ``stood``)."""
        self.last = None
        self.slices.count(at, units, party)
        flow = self.flow
        if flow is None:
            self.used += units
        if self._model is None:
            return False
        t = at / SECOND
        try:
            self._model.observe(t, float(units))
        except Exception as error:  # noqa: BLE001 - a plugin's model may raise anything
            self._fail(error, at)
            return False
        if flow is not None:
            return flow.takes(units) or t >= self.trials.due
        if self.used >= (self.pool.limit or MAX_UNITS):
            self._ran_dry(at, units)
        elif t >= self.trials.due:
            self._try_out(t)
        return False

    def stood(self, at: Micros, available: int, units: int, *, waits: bool) -> None:
        """So much is left of a window that never ends, after ``units`` were taken. Slots are gone
        when somebody ``waits`` for one, other units when none is left."""
        flow, limit, t = self.flow, self.pool.limit, at / SECOND
        if flow is None or limit is None:
            return
        flow.stood(available, limit)
        if flow.slots:
            flow.started(t, units, limit - available - units)
        dry = waits if flow.slots else available <= 0
        used = limit if dry else limit - max(0, available)
        self._settle_flow(t, used, dry=dry)

    def _settle_flow(self, t: float, used: int, *, dry: bool) -> None:
        """Tell the model how a window that never ends stands; settle, and lay aside."""
        limit, until = self.pool.limit or 0, self._until(t)
        if self._model is not None:
            self.calm = None
            with self.guard.at(round(t * SECOND)):
                self._model.window(t, float(limit), float(used), until, self.pool.window.kind)
            self._drop_if_failed()
        self._try_out_flow(t, used, dry=dry)

    def _try_out_flow(self, t: float, used: int, *, dry: bool) -> None:
        """Settle forecasts of a window that never ends; lay one aside."""
        limit, until = self.pool.limit or 0, self._until(t)
        if self.trials.stood(t, dry=dry) and self._model is not None and used < limit:
            try:
                said = sane(self._model.forecast(t, float(limit - used), until))
            except Exception as error:  # noqa: BLE001 - a plugin's model may raise anything
                self._fail(error, round(t * SECOND))
            else:
                horizon = to_seconds(self.span or HOUR) if until is None else until - t
                self.trials.lay_aside_for(t, horizon, said)

    def _until(self, t: float) -> float | None:
        """When work that holds a slot now will have ended; None for other windows."""
        return t + self.flow.length() if self.flow is not None and self.flow.slots else None

    def refused(self, at: Micros, party: Party) -> None:
        """Somebody asked and was not let through."""
        self.last = None
        self.slices.refused(at, party)
        if self._model is not None:
            try:
                self._model.refused(at / SECOND)
            except Exception as error:  # noqa: BLE001 - a plugin's model may raise anything
                self._fail(error, at)

    def found_none(self, at: Micros) -> None:
        """Somebody was not let through for want of room: what never ends is gone."""
        if self.flow is not None and self.pool.limit is not None:
            self._settle_flow(at / SECOND, self.pool.limit, dry=True)

    def window(self, at: Micros, used: int, reset_at: Micros | None) -> None:
        """The pool's window as it is now: after a reset, or when its shape changed."""
        self.last = self.ranked = self.calm = None
        self.guard.at(at)
        if self._model is not None:
            reset = None if reset_at is None else to_seconds(reset_at)
            limit, kind = float(self.pool.limit or 0), self.pool.window.kind
            with self.guard:
                self._model.window(to_seconds(at), limit, float(used), reset, kind)
            self._drop_if_failed()
            self.used = used
            if used < limit or self.flow is not None:
                self.slices.opened(at)
            self.trials.begin(to_seconds(at), reset if kind in _ENDING else None)
            if self.flow is not None:
                self.flow.spare = 0
                self._try_out_flow(to_seconds(at), used, dry=used >= limit)
            elif used >= limit:
                self.trials.exhausted(to_seconds(at))
            elif to_seconds(at) >= self.trials.due:
                self._try_out(to_seconds(at))

    def widen(self, at: Micros, units: int) -> None:
        """Usage of that size was not foreseen."""
        self.last = self.ranked = self.calm = None
        if self._model is not None:
            with self.guard.at(at):
                self._model.widen(to_seconds(at), float(units))
            self._drop_if_failed()

    def forecast(
        self, now: Micros, remaining: int, reset_at: Micros | None, extra: int, staleness: float
    ) -> Forecast | None:
        """What the model says; None if it has failed."""
        if self._model is None:
            return None
        t = now / SECOND
        until = self._until(t)
        reset = until if reset_at is None else reset_at / SECOND
        try:
            said = sane(self._model.forecast(t, float(remaining), reset, float(extra), staleness))
        except Exception as error:  # noqa: BLE001 - a plugin's model may raise anything
            self._fail(error, now)
            return None
        return said if until is None else replace(said, ttr=inf, margin=inf)

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

    def revive(
        self, build: Callable[[], ForecastModel], at: Micros, used: int, standing: Standing
    ) -> None:
        """The model failed: go on with a new one, if that can answer. What the old one said is not
        held against it."""
        self.guard.begin_anew(at)
        self.trials.drop()
        with self.guard:
            self._model = _made(build())
        if self._model is not None:
            self.window(at, used, standing.reset_at)
            left, reset_at = standing.available, standing.reset_at
            if self.forecast(at, left, reset_at, 0, standing.staleness) is not None:
                self.guard.is_well()

    def _ran_dry(self, at: Micros, units: int) -> None:
        self.trials.exhausted(at / SECOND)
        if self.used - units < (self.pool.limit or 0):
            self.slices.shut(at)

    def _try_out(self, t: float) -> None:
        """Lay a forecast aside, to see what becomes of it."""
        reset_at, left = self.trials.reset_at, float((self.pool.limit or 0) - self.used)
        if self._model is not None and left > 0.0:
            try:
                said = sane(self._model.forecast(t, left, reset_at))
            except Exception as error:  # noqa: BLE001 - a plugin's model may raise anything
                self._fail(error, round(t * SECOND))
            else:
                self.trials.lay_aside(t, said)

    def _fail(self, error: Exception, at: Micros) -> None:
        self.guard.at(at).report(error)
        self._model = self.last = self.ranked = self.calm = None

    def _drop_if_failed(self) -> None:
        if self.guard.failure:
            self._model = self.last = self.ranked = self.calm = None


def _made(model: ForecastModel | None) -> ForecastModel:
    if model is None:  # else nobody would be missed, and nobody would foresee anything
        raise TypeError("build gave no model")
    return model
