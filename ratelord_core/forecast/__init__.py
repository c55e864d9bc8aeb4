"""Forecasts: the model's protocol, and the book that keeps one model for each pool."""

from ratelord_core.forecast.protocol import ForecastModel, ForecastModelFactory

__all__ = ["ForecastModel", "ForecastModelFactory"]
