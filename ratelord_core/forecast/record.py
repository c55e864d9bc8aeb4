"""A forecast as it is written down: whole numbers, and None for what lies beyond the reset."""

from __future__ import annotations

from typing import Final

from ratelord_core.events.payloads import ForecastComputed
from ratelord_core.model.decision import Risk
from ratelord_core.model.forecast import Forecast, RiskLevel

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
