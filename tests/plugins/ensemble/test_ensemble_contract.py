"""The ensemble does what every forecast model must do."""

from __future__ import annotations

import pytest

from ratelord_core.testing.forecast_contract import ForecastContract
from ratelord_core.testing.forecast_kinds import ForecastKinds
from ratelord_ensemble.plugin import EnsembleFactory


class TestEnsemble(ForecastContract, ForecastKinds):
    @pytest.fixture
    def factory(self) -> EnsembleFactory:
        return EnsembleFactory()
