"""The model gamma does what every forecast model must do."""

from __future__ import annotations

import pytest

from ratelord_core.testing.forecast_contract import ForecastContract
from ratelord_core.testing.forecast_horizons import ForecastHorizons
from ratelord_core.testing.forecast_kinds import ForecastKinds
from ratelord_gamma.plugin import GammaFactory


class TestGamma(ForecastContract, ForecastKinds, ForecastHorizons):
    @pytest.fixture
    def factory(self) -> GammaFactory:
        return GammaFactory()
