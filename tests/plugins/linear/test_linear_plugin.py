"""The plugin offers its model under ``ratelord_register_forecast_models``, without scipy."""

from __future__ import annotations

import subprocess
import sys

from ratelord_core import plugins
from ratelord_linear.plugin import LinearFactory


def test_the_model_is_found_by_its_id() -> None:
    found = plugins.load().named("ratelord_register_forecast_models", "model_id")
    assert isinstance(found["linear"], LinearFactory)


def test_the_model_needs_no_numeric_library() -> None:
    program = (
        "import sys, ratelord_linear.plugin as p;"
        "p.LinearFactory().build(10.0, 60.0).forecast(0.0, 1.0, None);"
        "assert not {'numpy', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
