"""The door through which backtesting tools drive an installed model."""

from __future__ import annotations

import math

import pytest

from ratelord_core import testing
from ratelord_core.errors import PluginError
from ratelord_core.model.config import Settings
from ratelord_core.testing.backtest import BacktestModel, backtest_model
from ratelord_linear.plugin import LinearFactory


def test_a_trace_drives_the_installed_model_by_its_id() -> None:
    model = backtest_model(1000.0, 600.0, model="linear")
    model.reset(0.0)
    for second in range(300):
        model.observe(float(second), 3.0)
    said = model.forecast(300.0, 100.0, 600.0)
    assert 0.0 < said.p99 <= said.p90 <= said.p50 < 60.0
    assert 0.5 < said.p_exhaust <= 1.0
    model.reset(600.0)
    assert math.isinf(model.forecast(600.0, 1e6, 1200.0).p50)


def test_the_adapter_adds_nothing_to_the_model() -> None:
    plain = LinearFactory().build(1000.0, 600.0)
    driven = BacktestModel(LinearFactory().build(1000.0, 600.0), 1000.0, 600.0)
    plain.window(0.0, 1000.0, 0.0, 600.0, "fixed")
    driven.reset(0.0)
    for second in range(100):
        plain.observe(float(second), 5.0)
        driven.observe(float(second), 5.0)
    said, told = plain.forecast(100.0, 500.0, 600.0), driven.forecast(100.0, 500.0, 600.0)
    assert (told.p50, told.p90, told.p99, told.p_exhaust) == (
        *(said.tte_p50, said.tte_p90, said.tte_p99, said.p_exhaustion),
    )


def test_an_unknown_model_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(PluginError, match=r"no forecast model is called 'liner'.*linear"):
        backtest_model(1000.0, 600.0, model="liner")


def test_an_infinite_pool_cannot_be_exhausted_and_is_refused() -> None:
    with pytest.raises(ValueError, match="inf"):
        backtest_model(math.inf, 600.0)


def test_without_a_name_it_is_the_model_that_a_daemon_forecasts_with() -> None:
    driven, named = (
        testing.backtest_model(100.0, 60.0),
        backtest_model(100.0, 60.0, model=Settings().forecast_model),
    )
    for model in (driven, named):
        model.reset(0.0)
        for second in range(40):
            model.observe(float(second), 1.0)
    assert driven.forecast(40.0, 30.0, 60.0) == named.forecast(40.0, 30.0, 60.0)
    assert backtest_model(100.0, 60.0).forecast(1.0, 1.0, 60.0).p_exhaust == 0.0
