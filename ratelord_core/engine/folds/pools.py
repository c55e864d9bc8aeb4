"""What becomes of pools apart from their use: declared, reset, drifted, forecast."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, cast

import msgspec

from ratelord_core.engine import steering
from ratelord_core.events.payloads import DriftDetected, ForecastComputed, ResetObserved
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.forecast import RiskLevel
from ratelord_core.model.instant import Micros
from ratelord_core.model.pool import Pool

if TYPE_CHECKING:
    from ratelord_core.engine.state import State


def declare(state: State, pool: Pool, at: Micros) -> None:
    """Open a pool's account and its page of forecasts, or give them its new shape."""
    state.polling.declared(pool.key, at)
    state.ledger.declare(pool, at)
    declare_forecast(state, pool.key, at)


def declare_forecast(state: State, key: str, at: Micros) -> None:
    """Tell a pool's forecast model of the pool as it stands."""
    account = state.ledger.account(key, at)
    figures = account.figures(at)
    pool = msgspec.structs.replace(account.pool, limit=figures.limit)
    state.book.declare(pool, at, figures.used, figures.reset_at)


def drifted(state: State, at: Micros, _who: Dimensions, _id: str, e: DriftDetected) -> None:
    """The provider's number was none that the ledger could explain: be less sure."""
    state.book.widen(e.pool, at, e.distance)
    if state.pacing.active:
        steering.alarm(state, e.pool, at, e.distance)


def forecast_computed(
    state: State, at: Micros, _who: Dimensions, _id: str, e: ForecastComputed
) -> None:
    """A forecast was told: the next one is news only if it differs from this."""
    tte = inf if e.tte_p50 is None else e.tte_p50 / 1000
    level = cast("RiskLevel", e.risk_level)
    state.announced[e.pool] = level
    state.book.announce(e.pool, e.p_exhaustion / 1_000_000, tte, level, at)


def reset(state: State, at: Micros, _who: Dimensions, _id: str, e: ResetObserved) -> None:
    """A window ended: it is written down now, and a new one begins for the forecast."""
    figures = state.ledger.account(e.pool, at).figures(at)
    state.pass_time(at)
    for pool, reset_at in list(state.ended):
        if pool == e.pool and reset_at <= e.reset_at:
            del state.ended[pool, reset_at]
    state.book.window(e.pool, at, figures.used, figures.reset_at)
    if state.pacing.active:
        steering.tell(state, e.pool, at)


FOLDS: dict[type, Any] = {
    DriftDetected: drifted,
    ForecastComputed: forecast_computed,
    ResetObserved: reset,
}
