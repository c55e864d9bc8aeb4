"""The model bootstrap does what every forecast model must do."""

from __future__ import annotations

import pytest

from ratelord_bootstrap.plugin import BootstrapFactory
from ratelord_core.testing.forecast_contract import ForecastContract
from ratelord_core.testing.forecast_horizons import ForecastHorizons
from ratelord_core.testing.forecast_kinds import ForecastKinds


class TestBootstrap(ForecastContract, ForecastKinds, ForecastHorizons):
    @pytest.fixture
    def factory(self) -> BootstrapFactory:
        return BootstrapFactory()
