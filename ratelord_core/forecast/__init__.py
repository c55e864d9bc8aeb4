"""Forecasts: the model's protocol, and the book that keeps one model for each pool."""

from ratelord_core.forecast.announced import Announced, is_material
from ratelord_core.forecast.book import ForecastBook
from ratelord_core.forecast.levels import RiskLevels
from ratelord_core.forecast.page import Standing
from ratelord_core.forecast.protocol import ForecastModel, ForecastModelFactory
from ratelord_core.forecast.record import forecast_computed, risk

__all__ = [
    "Announced",
    "ForecastBook",
    "ForecastModel",
    "ForecastModelFactory",
    "RiskLevels",
    "Standing",
    "forecast_computed",
    "is_material",
    "risk",
]
