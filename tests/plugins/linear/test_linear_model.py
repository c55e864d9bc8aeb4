"""The linear model keeps the contract of every forecast model."""

from __future__ import annotations

import pytest

from ratelord_core.forecast import ForecastModelFactory
from ratelord_core.testing.forecast_contract import ForecastContract
from ratelord_linear.plugin import LinearFactory


class TestLinearModel(ForecastContract):
    @pytest.fixture
    def factory(self) -> ForecastModelFactory:
        return LinearFactory()
