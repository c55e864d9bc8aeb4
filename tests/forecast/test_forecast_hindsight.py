"""What is told later does not change the forecasts that are laid aside for instants before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ratelord_core import plugins
from ratelord_core.forecast import ForecastModel

MODELS = plugins.load().named("ratelord_register_forecast_models", "model_id")
TELLINGS: dict[str, Callable[[ForecastModel], None]] = {
    "usage": lambda model: model.observe(30.0, 50.0),
    "a take-back": lambda model: model.observe(30.0, -39.0),
    "a refusal": lambda model: model.refused(30.0),
    "a surprise": lambda model: model.widen(30.0, 500.0),
}


def _half_a_window(model_id: str) -> ForecastModel:
    """A pool of 100 a minute, of which 40 were taken at 5 s; the first instant is at 12.4 s."""
    model: ForecastModel = MODELS[model_id].build(100.0, 60.0)
    model.window(0.0, 100.0, 0.0, 60.0, "fixed")
    model.observe(5.0, 40.0)
    return model


def _laid_aside(model: ForecastModel) -> Any:
    return model.state()["calibration"]["pending"]


@pytest.mark.parametrize("model_id", ["ensemble", "gamma"])
@pytest.mark.parametrize("told", TELLINGS)
def test_an_instant_is_judged_by_what_was_known_then(model_id: str, told: str) -> None:
    plain = _half_a_window(model_id)
    plain.window(30.0, 100.0, 40.0, 60.0, "fixed")
    model = _half_a_window(model_id)
    TELLINGS[told](model)
    model.window(30.0, 100.0, 40.0, 60.0, "fixed")
    assert len(_laid_aside(model)) == 1
    assert _laid_aside(model) == _laid_aside(plain)
