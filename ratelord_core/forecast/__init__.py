"""Forecasts: the model's protocol, what models share, and the book that keeps one for each pool."""

from ratelord_core.forecast.announced import Announced, is_material
from ratelord_core.forecast.book import ForecastBook
from ratelord_core.forecast.calibration import LOGITS, Calibration, Shadow
from ratelord_core.forecast.demand import MEMORIES, Demand
from ratelord_core.forecast.exposure import Exposure
from ratelord_core.forecast.levels import RiskLevels
from ratelord_core.forecast.occasions import Occasions
from ratelord_core.forecast.page import Standing
from ratelord_core.forecast.passage import Outlook, flowing_back, passage, worse
from ratelord_core.forecast.protocol import ForecastModel, ForecastModelFactory
from ratelord_core.forecast.record import forecast_computed, risk
from ratelord_core.forecast.returning import Burn, Course, Returning, course
from ratelord_core.forecast.share import ShareForecast, Whose, together
from ratelord_core.forecast.surprise import Surprise
from ratelord_core.forecast.track import TrackRecord

__all__ = [
    "LOGITS",
    "MEMORIES",
    "Announced",
    "Burn",
    "Calibration",
    "Course",
    "Demand",
    "Exposure",
    "ForecastBook",
    "ForecastModel",
    "ForecastModelFactory",
    "Occasions",
    "Outlook",
    "Returning",
    "RiskLevels",
    "Shadow",
    "ShareForecast",
    "Standing",
    "Surprise",
    "TrackRecord",
    "Whose",
    "course",
    "flowing_back",
    "forecast_computed",
    "is_material",
    "passage",
    "risk",
    "together",
    "worse",
]
