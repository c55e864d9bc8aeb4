"""``forecast``: how long a pool lasts, and whether an amount fits in time."""

from __future__ import annotations

from typing import Final

import msgspec

from ratelord_core.agent_tools import AgentTool, ToolCall
from ratelord_core.errors import NotFound
from ratelord_core.model.forecast import Score
from ratelord_core.model.ids import UNKNOWN
from ratelord_core.model.instant import from_seconds
from ratelord_core.wire.faults import Faults, check_amount, check_id, check_span, refuse
from ratelord_mcp.identity import agent_of
from ratelord_mcp.tools.usage import may_see


class ForecastArguments(msgspec.Struct, frozen=True):
    """A pool, and perhaps an amount that shall fit."""

    pool: str
    units: float | None = None
    within_seconds: float | None = None


class Outlook(msgspec.Struct, frozen=True):
    """The forecast, ``tte_seconds`` by ``p50``, ``p90`` and ``p99``; ``fits`` and ``earliest_at``
    are null unless units were named. ``score`` is how this pool's forecasts fared so far: null
    before the first of them came to its end."""

    risk_level: str
    p_exhaustion: float
    tte_seconds: dict[str, float | None]
    available: int
    fits: bool | None
    earliest_at: str | None
    reason: str
    score: dict[str, float | None] | None = None
    alerts: list[str] = []


async def run(call: ToolCall) -> Outlook:
    """Look ahead."""
    asked: ForecastArguments = call.arguments
    faults: Faults = []
    check_id(faults, "pool", asked.pool)
    check_amount(faults, "units", asked.units)
    check_span(faults, "within_seconds", asked.within_seconds)
    refuse(faults)
    view = await call.look(lambda: call.arbiter.pool(asked.pool))
    forecast = view.forecast
    if not may_see(call, view) or forecast is None:
        raise NotFound(f"no pool {asked.pool} that you draw from; check_usage lists them")
    fits, earliest_at, p_exhaustion = None, None, forecast.p_exhaustion
    reason = f"{view.available} of {view.limit} {view.unit} left"
    if asked.units is not None:
        agent_id = agent_of(call.caller, UNKNOWN)
        within = from_seconds(asked.within_seconds or 0.0)
        fit = await call.arbiter.fit(asked.pool, -int(-asked.units // 1), within, agent_id)
        fits, earliest_at, p_exhaustion = fit.fits, fit.earliest_at, fit.p_exhaustion
        reason = fit.reason
    bounds = {
        "p50": forecast.tte_p50_seconds,
        "p90": forecast.tte_p90_seconds,
        "p99": forecast.tte_p99_seconds,
    }
    return Outlook(
        view.risk_level,
        p_exhaustion,
        bounds,
        view.available,
        fits,
        earliest_at,
        reason,
        score_of(forecast.score),
    )


def score_of(score: Score | None) -> dict[str, float | None] | None:
    """A track record in a few figures: how many forecasts, how far risks were off (0 is best), how
    many of the P90 bounds held (0.9 is right)."""
    if score is None:
        return None
    held = score.coverage_p90
    return {
        "forecasts": score.forecasts,
        "brier": round(score.brier, 3),
        "calibration_error": round(score.calibration_error, 3),
        "p90_held": None if held is None else round(held, 3),
    }


FORECAST: Final = AgentTool(
    name="forecast",
    description=(
        "How likely and when a pool runs dry (null: not before its reset); with units, whether "
        "they fit in time."
    ),
    takes=ForecastArguments,
    gives=Outlook,
    run=run,
    hints={"pool": "provider/pool"},
)
