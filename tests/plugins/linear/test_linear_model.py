"""The linear model keeps the contract of every forecast model."""

from __future__ import annotations

import math

import pytest

from ratelord_core.forecast import ForecastModelFactory
from ratelord_core.testing.forecast_contract import ForecastContract
from ratelord_core.testing.forecast_horizons import ForecastHorizons
from ratelord_core.testing.forecast_kinds import ForecastKinds
from ratelord_core.testing.forecast_play import (
    LIMIT,
    RESET,
    START,
    WINDOW,
    burn,
)
from ratelord_linear.burn import LinearModel
from ratelord_linear.plugin import LinearFactory


class TestLinearModel(ForecastContract, ForecastKinds, ForecastHorizons):
    @pytest.fixture
    def factory(self) -> ForecastModelFactory:
        return LinearFactory()


def _model() -> LinearModel:
    model = LinearModel(LIMIT, WINDOW)
    model.window(START, LIMIT, 0.0, RESET, "fixed")
    return model


def test_time_in_which_the_pool_is_empty_says_nothing_about_demand() -> None:
    model = _model()
    now = burn(model, 10.0, LIMIT / 10)
    model.window(RESET, LIMIT, 0.0, RESET + WINDOW, "fixed")
    after = model.forecast(RESET, LIMIT, RESET + WINDOW)
    assert now < RESET - 400
    assert after.burn_mean == pytest.approx(10.0, rel=0.2)


def test_demand_that_is_still_reported_while_empty_keeps_the_clock_running() -> None:
    model = _model()
    now = burn(model, 10.0, LIMIT / 10)
    model.observe(now + 300.0, 1.0)
    assert model.forecast(now + 300.0, 1.0, RESET).burn_mean < 6.0


def test_an_unknown_reset_is_taken_to_be_a_whole_window_away() -> None:
    model = _model()
    now = burn(model, 1.0, 100)
    unknown = model.forecast(now, 450.0, None)
    assert math.isinf(unknown.ttr)
    assert unknown.p_exhaustion == model.forecast(now, 450.0, now + WINDOW).p_exhaustion
    assert unknown.p_exhaustion >= model.forecast(now, 450.0, now + WINDOW / 3).p_exhaustion


def test_an_unknown_window_learns_its_scale_from_the_first_reset() -> None:
    model = LinearModel(5000.0, None)
    model.window(START, 5000.0, 0.0, START + 86400.0, "fixed")
    assert model.state()["scale"] == 86400.0


def test_first_units_of_a_new_pool_do_not_raise_an_alarm() -> None:
    model = _model()
    model.observe(START + 1.0, 10.0)
    assert model.forecast(START + 1.0, LIMIT - 10.0, RESET).p_exhaustion < 0.2


def test_irregular_traffic_is_doubted_more_than_steady_traffic() -> None:
    steady, bursty = _model(), _model()
    for window in range(20):
        since = START + window * WINDOW
        for model in (steady, bursty):
            model.window(since, 1e6, 0.0, since + WINDOW, "fixed")
        for second in range(0, int(WINDOW), 10):
            steady.observe(since + second, 10.0)
            if second < WINDOW / 10:
                bursty.observe(since + second, 100.0)
    now = START + 20 * WINDOW
    calm, wild = (model.forecast(now, 500.0, None) for model in (steady, bursty))
    assert calm.burn_variance / calm.burn_mean**2 < 0.5 * wild.burn_variance / wild.burn_mean**2


def test_a_missing_field_in_a_state_is_named() -> None:
    with pytest.raises(KeyError, match="scale"):
        _model().restore({})
