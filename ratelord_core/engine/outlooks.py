"""Forecasts in wire form."""

from __future__ import annotations

import math

from ratelord_core.forecast.failure import Failure
from ratelord_core.model.forecast import Forecast, Score
from ratelord_core.model.instant import SECOND, Micros, to_text
from ratelord_core.model.views import (
    FailedControllerView,
    FailedModelView,
    ForecastView,
    ShareForecastView,
)


def forecast_view(
    provider_id: str,
    pool_id: str,
    forecast: Forecast,
    level: str,
    now: Micros,
    score: Score | None = None,
    share: ShareForecastView | None = None,
) -> ForecastView:
    """A forecast in wire form."""
    return ForecastView(
        provider_id=provider_id,
        pool_id=pool_id,
        tte_p50_seconds=_finite(forecast.tte_p50),
        tte_p90_seconds=_finite(forecast.tte_p90),
        tte_p99_seconds=_finite(forecast.tte_p99),
        p_exhaustion=forecast.p_exhaustion,
        ttr_seconds=_finite(forecast.ttr),
        margin_seconds=_finite(forecast.margin),
        burn_rate=forecast.burn_mean,
        burn_variance=forecast.burn_variance,
        freshness_seconds=forecast.freshness,
        risk_level=level,
        model_id=forecast.model_id,
        model_version=forecast.model_version,
        as_of_ts=to_text(now),
        score=score,
        share=share,
    )


def failed_model_view(failure: Failure) -> FailedModelView:
    """A failed model in wire form."""
    return FailedModelView(
        pool=failure.pool,
        model_id=failure.model_id,
        error=failure.error,
        since=to_text(failure.since),
        next_try=to_text(failure.again),
    )


def failed_controller_view(
    label: tuple[str, str], pool: str, algorithm: str, error: str, since: float
) -> FailedControllerView:
    """A failed controller in wire form."""
    known = to_text(int(since * SECOND)) if since else None
    return FailedControllerView(pool, *label, algorithm, error, known)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
