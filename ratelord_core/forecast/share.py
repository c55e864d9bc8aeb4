"""A share's forecast: what one agent, identity or scope asks for, seen by the pool's own model.

Nothing is kept for it but the pool's slices. When somebody asks, a fresh model is told what the
share asked for in them, and says how long what is left would last if nobody else asked. The pool
may run dry sooner: the share's risk is the greater of both, and its bounds the earlier ones.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from math import inf
from typing import Final, NamedTuple

from ratelord_core.forecast.page import Standing
from ratelord_core.forecast.passage import worse
from ratelord_core.forecast.protocol import ForecastModel, ForecastModelFactory
from ratelord_core.forecast.slices import PER_WINDOW, Slice
from ratelord_core.forecast.terms import sane, scale_of, span_of
from ratelord_core.model.forecast import Forecast
from ratelord_core.model.instant import SECOND, Micros, to_seconds
from ratelord_core.model.party import Party
from ratelord_core.model.pool import Pool

_log = logging.getLogger(__name__)

_LUMPS: Final = 4
"""What was asked for in a slice is told in so many lumps at most, evenly spread."""

Whose = tuple[str | None, str | None, str | None]
"""Agent, identity and scope; None for any."""

EVERYBODY: Final[Whose] = (None, None, None)
"""The share that is the whole."""


class ShareForecast(NamedTuple):
    """What the model says of a share ``alone``, as if nobody else asked; None if it failed.
    ``burn_share`` is the share's part (0 … 1) of what was asked for in the last window."""

    alone: Forecast | None
    burn_share: float


def share_forecast(
    factory: ForecastModelFactory,
    pool: Pool,
    slices: Sequence[Slice],
    now: Micros,
    left: Standing,
    whose: Whose,
) -> ShareForecast | None:
    """The forecast of a share of a pool of that shape, of which so much is left; None if nobody of
    it is in the slices."""
    if not any(_belongs(party, whose) for one in slices for party in one.counted):
        return None
    span, kind, limit = span_of(pool.window), pool.window.kind, float(pool.limit or left.available)
    try:
        model = factory.build(limit, scale_of(pool, span))
        tell(model, slices, whose, limit, kind)
        alone = sane(_asked(model, now, left, limit, kind))
    except Exception as error:  # noqa: BLE001 - a plugin's model may raise anything
        name = f"{factory.model_id} for a share of {pool.key}"
        _log.error("forecast model %s failed: %s: %s", name, type(error).__name__, error)
        return ShareForecast(None, _burn_share(slices, whose))
    return ShareForecast(alone, _burn_share(slices, whose))


def _belongs(party: Party, whose: Whose) -> bool:
    """Whether what a party asks for is part of the share."""
    return all(want is None or want == has for want, has in zip(whose, party, strict=True))


def _burn_share(slices: Sequence[Slice], whose: Whose) -> float:
    """The share's part of what was asked for in the last window."""
    every = mine = 0
    for each in slices[-PER_WINDOW - 1 :]:
        for party, units in each.counted.items():
            every += units
            mine += units if _belongs(party, whose) else 0
    return min(1.0, max(0.0, mine / every)) if every > 0 else 0.0


def tell(
    model: ForecastModel, slices: Sequence[Slice], whose: Whose, limit: float, kind: str
) -> None:
    """Tell a model what the share asked for, as if the gaps between slices had not been.

    A slice in which it was refused and got less than usual says nothing about its demand, and is
    such a gap as well.
    """
    mine = [sum(n for who, n in one.counted.items() if _belongs(who, whose)) for one in slices]
    usual = sum(mine) / max(1, len(slices))
    later = slices[-1].end if slices else 0
    moved: list[tuple[Slice, int, Micros]] = []
    for one, units in zip(reversed(slices), reversed(mine), strict=True):
        refused = any(_belongs(who, whose) for who in one.refused)
        if not (refused and units < usual):
            moved.append((one, units, later - one.end))
            later -= one.end - one.begin
    for one, units, shift in reversed(moved):
        begin, length = to_seconds(one.begin + shift), to_seconds(one.end - one.begin)
        model.window(begin, limit, 0.0, None, kind)
        if units > 0:
            _lumps(model, begin, length, units, _count(one, units))


def _count(one: Slice, units: int) -> int:
    """About how many times the share asked: as often for its units as everybody did."""
    every = sum(one.counted.values())
    return min(_LUMPS, max(1, round(one.asks * units / every))) if every > 0 else 1


def _lumps(model: ForecastModel, begin: float, length: float, units: int, count: int) -> None:
    for place in range(count):
        model.observe(begin + (place + 0.5) / count * length, units / count)


def _asked(model: ForecastModel, now: Micros, left: Standing, limit: float, kind: str) -> Forecast:
    t = now / SECOND
    reset = None if left.reset_at is None else left.reset_at / SECOND
    model.window(t, limit, 0.0, reset, kind)
    return model.forecast(t, float(left.available), reset, 0.0, left.staleness)


def together(pool: Forecast, alone: Forecast) -> Forecast:
    """What will be: the pool runs dry for the share as for everybody, or it uses up what it may."""
    first = (pool.p_exhaustion, (pool.tte_p50, pool.tte_p90, pool.tte_p99))
    other = (alone.p_exhaustion, (alone.tte_p50, alone.tte_p90, alone.tte_p99))
    risk, (p50, p90, p99) = worse(first, other)
    ttr = pool.ttr if pool.model_id else alone.ttr  # a part's pool has no forecast of its own
    margin = p99 - ttr if p99 < inf and ttr < inf else inf
    return Forecast(
        p50, p90, p99, risk, alone.burn_mean, alone.burn_variance, ttr, margin,
        pool.freshness, alone.model_id, alone.model_version,
    )  # fmt: skip
