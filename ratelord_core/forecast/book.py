"""The book of forecasts: one model for each pool, asked and told in whole units and µs."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from math import inf
from typing import Any, Final

from msgspec.structs import replace

from ratelord_core.forecast.announced import Announced, is_material
from ratelord_core.forecast.failure import Failure
from ratelord_core.forecast.levels import RiskLevels
from ratelord_core.forecast.page import Calm, Page, Rank, Standing
from ratelord_core.forecast.pages import Pages
from ratelord_core.forecast.protocol import ForecastModel, ForecastModelFactory
from ratelord_core.forecast.share import (
    EVERYBODY,
    ShareForecast,
    Whose,
    share_forecast,
    tell,
)
from ratelord_core.forecast.terms import scale_of
from ratelord_core.forecast.track import TrackRecord
from ratelord_core.model.forecast import Forecast, RiskLevel, Score
from ratelord_core.model.instant import HOUR, SECOND, Micros, to_seconds
from ratelord_core.model.party import NOBODY, Party
from ratelord_core.model.pool import Pool, declared_key

_NOTHING: Final = Forecast()
_WORST: Final = Forecast(0.0, 0.0, 0.0, 1.0)
"""What counts for a pool whose model failed: nobody knows better."""
_ROUGHNESS: Final = 256
"""Pools are ranked anew when the units available moved by this part of the limit."""


_NO_DANGER: Final = 0.01
_CALM: Final = SECOND // 10


class ForecastBook:
    """Keeps one model for each pool and answers for it.

    Asking changes nothing that matters: what a model knows follows from what it was told, so a
    replay of the same tellings gives the same answers.
    """

    def __init__(self, factory: ForecastModelFactory, levels: RiskLevels | None = None) -> None:
        self._factory = factory
        self.levels = levels or RiskLevels()
        self.failed: dict[str, Failure] = {}
        """Every pool whose model cannot be asked."""
        self._pages = Pages(self._open)

    @property
    def model_id(self) -> str:
        """The model that is asked."""
        return self._factory.model_id

    def declare(self, pool: Pool, now: Micros, used: int, reset_at: Micros | None) -> None:
        """Open a pool's page, or tell its model of the pool's new shape. A model whose kind or
        length of window changed starts anew: its scale is another one."""
        page = self._pages.get(pool.key)
        if page is None or _scale(page.pool) != _scale(pool):
            page = self._pages[pool.key] = self._open(pool)
            self._pages.of_parts.pop(pool.key, None)
        page.pool = pool
        page.window(now, used, reset_at)

    def observe(self, pool: str, at: Micros, units: int, party: Party = NOBODY) -> bool:
        """So many units were asked for, or seen to be spent; negative: fewer than was told. Whether
        the book would like to be told how the pool stands then."""
        return self._pages[pool].observe(at, units, party)

    def stood(self, pool: str, at: Micros, available: int, units: int, *, waits: bool) -> None:
        """After ``units`` were taken so many were available; somebody ``waits`` for some."""
        self._pages[pool].stood(at, available, units, waits=waits)

    def refused(self, pool: str, at: Micros, party: Party = NOBODY, *, room: bool = True) -> None:
        """Somebody asked for this pool and was not let through; for want of ``room``, if False."""
        page = self._pages[pool]
        page.refused(at, party)
        if not room:
            page.found_none(at)

    def window(self, pool: str, at: Micros, used: int, reset_at: Micros | None) -> None:
        """A new window began."""
        self._pages[pool].window(at, used, reset_at)

    def widen(self, pool: str, at: Micros, units: int) -> None:
        """Drift: usage of that size was not foreseen."""
        self._pages[pool].widen(at, units)

    def outlook(self, pool: str, now: Micros, standing: Standing) -> Forecast:
        """The pool's forecast as it stands.

        Answered once for each state of the pool: same ``standing``, nothing new told, and ``now``
        in the same 256th of the window (at most a second), so times may be old by that much.
        """
        page = self._pages[pool]
        key = (now // page.quantum, standing)
        last = page.last
        if last is not None and last[0] == key:
            return last[1]
        said = self._ask(page, now, standing, 0)
        page.last = (key, said)
        return said

    def rank(self, pool: str, now: Micros, standing: Standing) -> float:
        """The pool's probability of exhaustion as it stands, roughly: good enough to tell which of
        several pools is the tightest.

        Answered again only once ``now`` is in another 256th of the window (at most a second), the
        units available moved by a 256th of the limit, or the reset, the staleness or the window
        changed.
        """
        page = self._pages[pool]
        last = page.ranked
        available, reset_at, staleness = standing.available, standing.reset_at, standing.staleness
        if (
            last is not None
            and now < last.until
            and last.least <= available <= last.most
            and last.reset_at == reset_at
            and last.staleness == staleness
        ):
            return last.p_exhaustion
        p_exhaustion = self.outlook(pool, now, standing).p_exhaustion
        until = (now // page.quantum + 1) * page.quantum
        slack = ((page.pool.limit or 0) - 1) // _ROUGHNESS
        least, most = available - slack, available + slack
        page.ranked = Rank(until, least, most, reset_at, staleness, p_exhaustion)
        return p_exhaustion

    def with_intent(self, pool: str, now: Micros, standing: Standing, units: int) -> Forecast:
        """The pool's forecast if so many units were taken now.

        Where there is no danger (a probability below one in a hundred, and no bound before the
        reset), an answer serves all who ask in the next tenth of a second, unless they leave less
        than 999 thousandths of what it left.
        """
        page = self._pages[pool]
        left, reset_at, staleness = (
            standing.available - units,
            standing.reset_at,
            standing.staleness,
        )
        calm = page.calm
        if (
            calm is not None
            and now < calm.until
            and left >= calm.least
            and calm.reset_at == reset_at
            and calm.staleness == staleness
        ):
            if now == calm.until - _CALM:  # asked again at the same instant
                return calm.forecast
            ttr = inf if reset_at is None else max(0.0, to_seconds(reset_at - now))
            return replace(calm.forecast, ttr=ttr)
        said = self._ask(page, now, standing, units)
        if said.p_exhaustion < _NO_DANGER and said.tte_p99 == inf:
            until, least = now + _CALM, left - left // 1000
            page.calm = Calm(until, least, reset_at, staleness, said)
        return said

    def level(self, pool: str, forecast: Forecast, standing: Standing) -> RiskLevel:
        """How bad a forecast of this pool is, with hysteresis against what was last announced.

        ``unknown`` if the limit is not known, if the model failed, or if data are missing for more
        than a whole window (an hour, where its length is unknown). A pool that nobody uses is
        ``ok``; so is one that never binds.
        """
        page = self._pages[pool]
        if page.pool.window.kind == "unbounded":
            return "ok"
        if page.pool.limit is None or pool in self.failed:
            return "unknown"
        if standing.staleness > to_seconds(page.span or HOUR):
            return "unknown"
        before: RiskLevel = "ok" if page.announced is None else page.announced.level
        slots = page.pool.window.kind == "concurrency"
        return self.levels.level(forecast.p_exhaustion, before, slots=slots)

    def revive(self, pool: str, now: Micros, used: int, standing: Standing) -> None:
        """Build the model of a pool for which it failed anew, and tell it what was asked for within
        the last three windows; it has failed again if that does, or cannot answer."""
        page = self._pages[pool]

        def build() -> ForecastModel:
            shape, limit = page.pool, float(page.pool.limit or 0)
            model = self._factory.build(limit, scale_of(shape, page.span))
            tell(model, page.slices.until(now), EVERYBODY, limit, shape.window.kind)
            return model

        page.revive(build, now, used, standing)

    def apart(self, pools: Iterable[str]) -> ForecastBook:
        """A book that may be told of these pools what only might happen: this one will not know.
        Of other pools it must be asked only."""
        book = ForecastBook(self._factory, self.levels)
        book.failed.update(self.failed)
        book._pages.update(self._pages)
        for pool in pools:
            page = self._pages[pool]
            book._pages[pool] = deepcopy(page, {id(self.failed): book.failed})
        return book

    def material_change(self, pool: str, forecast: Forecast, level: RiskLevel, now: Micros) -> bool:
        """Whether this is news; then it counts as announced, and the caller writes the event."""
        page = self._pages[pool]
        if not is_material(page.announced, forecast, level, now):
            return False
        self.announce(pool, forecast.p_exhaustion, forecast.tte_p50, level, now)
        return True

    def announce(
        self, pool: str, p_exhaustion: float, tte_p50: float, level: RiskLevel, now: Micros
    ) -> None:
        """Remember what was said of a pool: also when a replay finds it in the log."""
        self._pages[pool].announced = Announced(now, level, p_exhaustion, tte_p50)

    def share(self, pool: str, now: Micros, left: Standing, whose: Whose) -> ShareForecast | None:
        """How long what is ``left`` for a share lasts, and who burns it; None if nobody of it was
        seen within three windows. Worked out anew each time: some tenths of a millisecond."""
        shape, slices = self._pages[declared_key(pool)].pool, self._pages[pool].slices.until(now)
        return share_forecast(self._factory, shape, slices, now, left, whose)

    def parties(self, pool: str, now: Micros) -> dict[Party, int]:
        """Who asked for how much within the last three windows, about."""
        asked: dict[Party, int] = {}
        for one in self._pages[pool].slices.until(now):
            for party, units in one.counted.items():
                asked[party] = asked.get(party, 0) + units
        return asked

    def score(self, pool: str, now: Micros) -> Score | None:
        """How the pool's forecasts fared until now; None before any of them settled."""
        return self._pages[pool].trials.score(to_seconds(now))

    def records(self) -> dict[str, TrackRecord]:
        """The track record of every pool of which a forecast has settled."""
        found = {key: page.trials.record for key, page in self._pages.items()}
        return {key: record for key, record in found.items() if record.forecasts}

    def faltered(self) -> set[str]:
        """The pools whose model failed at some time. That is no event: what such a model remembers
        now, a replay of the same tellings need not find."""
        return {key for key, page in self._pages.items() if page.guard.faltered}

    def state(self) -> dict[str, Any]:
        """What all models remember and how they fared, as plain JSON values."""
        pages = ((key, page, page.state()) for key, page in self._pages.items())
        return {
            key: {
                "model": page.model_id,
                "version": page.model_version,
                "memory": memory,
                "trials": page.trials.state(),
                "used": page.used,
            }
            for key, page, memory in pages
            if memory is not None
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state; what another model, or another version of it, remembered is left
        aside."""
        for key, kept in state.items():
            page = self._pages[key]
            if (kept["model"], kept["version"]) == (page.model_id, page.model_version):
                page.restore(kept["memory"])
                page.trials.restore(kept["trials"])
                page.used = kept["used"]

    def _open(self, pool: Pool) -> Page:
        self.failed.pop(pool.key, None)
        return Page(self._factory, pool, self.failed)

    def _ask(self, page: Page, now: Micros, standing: Standing, units: int) -> Forecast:
        if page.pool.limit is None or page.pool.window.kind == "unbounded":
            return _NOTHING
        said = page.forecast(now, standing.available, standing.reset_at, units, standing.staleness)
        return _WORST if said is None else said


def _scale(pool: Pool) -> tuple[object, ...]:
    window = pool.window
    return (window.kind, window.every, window.unit, pool.limit is None)
