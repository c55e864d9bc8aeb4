"""A forecast model put through its paces: what its contract does with it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from ratelord_core.forecast import ForecastModel, ForecastModelFactory
from ratelord_core.model.forecast import Forecast

LIMIT: Final = 1000.0
WINDOW: Final = 600.0
START: Final = 1_767_225_600.0
RESET: Final = START + WINDOW


def opened(factory: ForecastModelFactory, kind: str = "fixed") -> ForecastModel:
    """A model at the beginning of a window."""
    model = factory.build(LIMIT, WINDOW)
    model.window(START, LIMIT, 0.0, RESET if kind == "fixed" else None, kind)
    return model


def burn(model: ForecastModel, rate: float, seconds: float, since: float = START) -> float:
    """Spend ``rate`` units a second, one lump a second; the instant at which that ends."""
    for second in range(int(seconds)):
        model.observe(since + second, rate)
    return since + seconds


Window = Callable[[ForecastModel, float, float], None]
"""Tells a model of its window at an instant, with the units of the step."""


def _renewed(model: ForecastModel, now: float, _units: float) -> None:
    model.window(now, LIMIT, 0.0, now + WINDOW, "fixed")


def play(
    model: ForecastModel, steps: list[tuple[str, float, float]], window: Window = _renewed
) -> float:
    """Tell the model these steps; the instant of the last one."""
    now = START
    for what, gap, units in steps:
        now += gap
        if what == "observe":
            model.observe(now, units)
        elif what == "widen":
            model.widen(now, units)
        elif what == "refused":
            model.refused(now)
        else:
            window(model, now, units)
    return now


def assert_sane(said: Forecast) -> None:
    """Bounds are ordered, the risk is a probability, nothing is NaN or negative."""
    assert 0.0 <= said.tte_p99 <= said.tte_p90 <= said.tte_p50
    assert 0.0 <= said.p_exhaustion <= 1.0
    assert said.burn_mean >= 0.0
    assert said.burn_variance >= 0.0
    assert math.isfinite(said.burn_mean)
    assert math.isfinite(said.burn_variance)
    assert said.ttr >= 0.0
    assert not math.isnan(said.margin)
    for bound in (said.tte_p50, said.tte_p90, said.tte_p99):
        assert math.isinf(bound) or bound <= said.ttr
