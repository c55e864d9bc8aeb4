"""The ensemble is what a daemon forecasts with, and loads no numeric library to do so."""

from __future__ import annotations

import subprocess
import sys

from ratelord_core import plugins
from ratelord_core.model.config import Settings
from ratelord_ensemble.plugin import EnsembleFactory


def test_the_model_is_found_by_its_id_and_is_the_default() -> None:
    found = plugins.load().named("ratelord_register_forecast_models", "model_id")
    assert isinstance(found["ensemble"], EnsembleFactory)
    assert Settings().forecast_model == EnsembleFactory.model_id


def test_the_model_needs_no_numeric_library() -> None:
    program = (
        "import sys, ratelord_ensemble.plugin as p; m = p.EnsembleFactory().build(10.0, 60.0);"
        "m.observe(0.0, 1.0); m.forecast(1.0, 1.0, 60.0);"
        "assert not {'numpy', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
