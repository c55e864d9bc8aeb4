"""The model bootstrap does what every forecast model must do."""

from __future__ import annotations

import pytest

from ratelord_bootstrap.plugin import BootstrapFactory
from ratelord_core.testing.forecast_contract import ForecastContract
from ratelord_core.testing.forecast_kinds import ForecastKinds


class TestBootstrap(ForecastContract, ForecastKinds):
    @pytest.fixture
    def factory(self) -> BootstrapFactory:
        return BootstrapFactory()
