"""A forecast as it is written down: whole numbers, and None for what lies beyond the reset."""

from __future__ import annotations

from typing import Final

from ratelord_core.events.payloads import ForecastComputed, ForecastCostComputed
from ratelord_core.model.decision import Risk
from ratelord_core.model.forecast import Forecast, RiskLevel
from ratelord_core.model.instant import Micros, from_seconds, to_seconds
from ratelord_core.model.pool import MAX_UNITS

_MOST_SECONDS: Final = 1e12
"""Longer times are no times: they would not fit an integer that every JSON reader holds."""


def millis(seconds: float) -> int | None:
    """Whole milliseconds, rounded down (a bound stays a bound); None for infinity."""
    return int(seconds * 1000.0) if seconds < _MOST_SECONDS else None


def millionths(probability: float) -> int:
    """A probability in millionths."""
    return int(probability * 1_000_000 + 0.5)


def risk(pool: str, forecast: Forecast) -> Risk:
    """The forecast as a decision shows it."""
    return Risk(
        pool,
        millionths(forecast.p_exhaustion),
        millis(forecast.tte_p50),
        millis(forecast.tte_p90),
        millis(forecast.tte_p99),
        millis(forecast.ttr),
    )


def cost_computed(
    pool: str, forecast: Forecast, spent: int, left: int, reset_at: Micros | None, now: Micros
) -> ForecastCostComputed:
    """The event that announces a budget's runway."""
    projected = None
    if reset_at is not None:
        projected = min(MAX_UNITS, spent + int(forecast.burn_mean * to_seconds(reset_at - now)))
    return ForecastCostComputed(
        pool=pool,
        spent=spent,
        left=left,
        per_hour=min(MAX_UNITS, int(forecast.burn_mean * 3600)),
        projected=projected,
        used_up_p50=_instant(forecast.tte_p50, now),
        used_up_p90=_instant(forecast.tte_p90, now),
        reset_at=reset_at,
    )


def _instant(seconds: float, now: Micros) -> Micros | None:
    return now + from_seconds(seconds) if seconds < _MOST_SECONDS else None


def forecast_computed(pool: str, forecast: Forecast, level: RiskLevel) -> ForecastComputed:
    """The event that announces a forecast."""
    return ForecastComputed(
        pool=pool,
        model_id=forecast.model_id,
        model_version=forecast.model_version,
        p_exhaustion=millionths(forecast.p_exhaustion),
        tte_p50=millis(forecast.tte_p50),
        tte_p90=millis(forecast.tte_p90),
        tte_p99=millis(forecast.tte_p99),
        ttr=millis(forecast.ttr),
        risk_level=level,
    )
