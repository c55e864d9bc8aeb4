"""Registers the ``ensemble`` forecast model."""

from __future__ import annotations

from ratelord_core.forecast import ForecastModel, ForecastModelFactory
from ratelord_core.hookspecs import hookimpl
from ratelord_ensemble.blend import MODEL_ID, MODEL_VERSION, EnsembleModel


class EnsembleFactory:
    """Makes ensembles of experts: one for each pool."""

    model_id = MODEL_ID
    model_version = MODEL_VERSION

    def build(self, limit: float, window_seconds: float | None) -> ForecastModel:
        """A model that has seen nothing yet."""
        return EnsembleModel(limit, window_seconds)


@hookimpl
def ratelord_register_forecast_models() -> list[ForecastModelFactory]:
    """One factory, with the id ``ensemble``."""
    return [EnsembleFactory()]
