"""Offers an installed forecast model to backtesting tools, in their terms."""

from __future__ import annotations

import math

import msgspec

from ratelord_core.errors import PluginError
from ratelord_core.forecast import ForecastModel, ForecastModelFactory
from ratelord_core.plugins import load


class BacktestForecast(msgspec.Struct, frozen=True):
    """The three lower bounds in seconds (``inf`` = not before the reset), and the risk."""

    p50: float
    p90: float
    p99: float
    p_exhaust: float


class BacktestModel:
    """A pool with a fixed window of ``capacity`` units, driven by a trace."""

    def __init__(self, model: ForecastModel, capacity: float, window_s: float) -> None:
        self._model = model
        self._capacity = capacity
        self._window_s = window_s

    def observe(self, t: float, units: float) -> None:
        """So many units were used at ``t``."""
        self._model.observe(t, units)

    def reset(self, t: float) -> None:
        """The window rolled over at ``t``: all capacity is back."""
        self._model.window(t, self._capacity, 0.0, t + self._window_s, "fixed")

    def forecast(self, t: float, remaining: float, reset_at: float) -> BacktestForecast:
        """What the model says at ``t``."""
        said = self._model.forecast(t, remaining, reset_at)
        return BacktestForecast(
            said.tte_p50, said.tte_p90, said.tte_p99, min(1.0, max(0.0, said.p_exhaustion))
        )


def backtest_model(capacity: float, window_s: float, model: str = "ensemble") -> BacktestModel:
    """A model that has seen nothing, found among the installed plugins by its id.

    Raises ``PluginError`` that names the models there are.
    """
    if not (math.isfinite(capacity) and math.isfinite(window_s)):
        raise ValueError(f"capacity {capacity} and window_s {window_s} must be finite")
    factory = _factory(model)
    return BacktestModel(factory.build(capacity, window_s), capacity, window_s)


def _factory(model: str) -> ForecastModelFactory:
    known = load().named("ratelord_register_forecast_models", "model_id")
    if model not in known:
        raise PluginError(
            f"no forecast model is called {model!r}; installed are {', '.join(sorted(known))}"
        )
    found: ForecastModelFactory = known[model]
    return found
