"""Registers the ``linear`` forecast model."""

from __future__ import annotations

from ratelord_core.forecast import ForecastModel, ForecastModelFactory
from ratelord_core.hookspecs import hookimpl
from ratelord_linear.burn import MODEL_ID, MODEL_VERSION, LinearModel


class LinearFactory:
    """Makes burn-rate models: one for each pool."""

    model_id = MODEL_ID
    model_version = MODEL_VERSION

    def build(self, limit: float, window_seconds: float | None) -> ForecastModel:
        """A model that has seen nothing yet."""
        return LinearModel(limit, window_seconds)


@hookimpl
def ratelord_register_forecast_models() -> list[ForecastModelFactory]:
    """One factory, with the id ``linear``."""
    return [LinearFactory()]
