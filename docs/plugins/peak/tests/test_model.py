"""The model keeps the contract of all forecast models, and remembers the worst."""

from __future__ import annotations

import pytest
from ratelord_peak.plugin import PeakFactory

from ratelord_core.forecast import ForecastModelFactory
from ratelord_core.testing.forecast_contract import ForecastContract
from ratelord_core.testing.forecast_play import START, WINDOW, burn, opened


class TestPeak(ForecastContract):
    @pytest.fixture
    def factory(self) -> ForecastModelFactory:
        return PeakFactory()


def test_a_burst_is_expected_again_while_it_is_remembered() -> None:
    model = opened(PeakFactory())
    quiet = burn(model, 0.1, WINDOW)
    burst = burn(model, 3.0, WINDOW / 4, quiet)
    later = burn(model, 0.1, WINDOW, burst)

    said = model.forecast(later, 300.0, later + WINDOW / 2)

    assert said.tte_p50 == pytest.approx(100.0, rel=0.2)
    assert said.p_exhaustion > 0.9


def test_a_burst_is_forgotten_after_two_windows() -> None:
    model = opened(PeakFactory())
    burst = burn(model, 3.0, WINDOW / 4)
    later = burn(model, 0.1, 2.5 * WINDOW, burst)

    assert model.forecast(later, 300.0, later + WINDOW / 2).p_exhaustion < 0.1


def test_after_a_long_silence_the_average_of_all_time_is_left() -> None:
    model = opened(PeakFactory())
    burn(model, 3.0, WINDOW / 2)

    said = model.forecast(START + 10 * WINDOW, 300.0, None)

    assert said.burn_mean == pytest.approx(3.0 / 20.0, rel=0.01)
