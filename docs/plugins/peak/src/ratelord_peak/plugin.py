"""Registers the forecast model ``peak``."""

from __future__ import annotations

from ratelord_core import hookimpl
from ratelord_peak.model import MODEL_ID, MODEL_VERSION, PeakModel


class PeakFactory:
    """Makes one model for each pool."""

    model_id = MODEL_ID
    model_version = MODEL_VERSION

    def build(self, limit: float, window_seconds: float | None) -> PeakModel:
        """A model that has seen nothing yet."""
        return PeakModel(limit, window_seconds)


@hookimpl
def ratelord_register_forecast_models() -> list[PeakFactory]:
    """One factory, chosen by its id."""
    return [PeakFactory()]
