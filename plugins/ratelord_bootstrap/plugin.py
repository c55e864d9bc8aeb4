"""Registers the ``bootstrap`` forecast model."""

from __future__ import annotations

from ratelord_core.forecast import ForecastModel, ForecastModelFactory
from ratelord_core.hookspecs import hookimpl


class BootstrapFactory:
    """Makes models that replay the past: one for each pool."""

    model_id = "bootstrap"
    model_version = "3"

    def build(self, limit: float, window_seconds: float | None) -> ForecastModel:
        """A model that has seen nothing yet."""
        from ratelord_bootstrap.replay import (  # noqa: PLC0415 - numpy costs 0.1 s: when needed
            BootstrapModel,
        )

        return BootstrapModel(limit, window_seconds)


@hookimpl
def ratelord_register_forecast_models() -> list[ForecastModelFactory]:
    """One factory, with the id ``bootstrap``."""
    return [BootstrapFactory()]
