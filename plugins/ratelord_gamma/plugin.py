"""Registers the ``gamma`` forecast model."""

from __future__ import annotations

from ratelord_core.forecast import ForecastModel, ForecastModelFactory
from ratelord_core.hookspecs import hookimpl
from ratelord_gamma.counts import MODEL_ID, MODEL_VERSION, GammaModel


class GammaFactory:
    """Makes models of over-dispersed counts: one for each pool."""

    model_id = MODEL_ID
    model_version = MODEL_VERSION

    def build(self, limit: float, window_seconds: float | None) -> ForecastModel:
        """A model that has seen nothing yet."""
        from scipy.special import betainc, betaincinv  # noqa: PLC0415 - costs 0.2 s: when needed

        def beta(a: float, b: float, x: float) -> float:
            return float(betainc(a, b, x))

        def beta_inverse(a: float, b: float, y: float) -> float:
            return float(betaincinv(a, b, y))

        return GammaModel(limit, window_seconds, beta, beta_inverse)


@hookimpl
def ratelord_register_forecast_models() -> list[ForecastModelFactory]:
    """One factory, with the id ``gamma``."""
    return [GammaFactory()]
