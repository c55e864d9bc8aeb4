"""A kit for tests of this project and of its plugins: contracts to inherit, stores in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ratelord_core.testing.backtest import BacktestModel


def backtest_model(capacity: float, window_s: float, model: str = "ensemble") -> BacktestModel:
    """An installed forecast model in the terms of backtesting tools: ``observe(t, units)``,
    ``reset(t)``, ``forecast(t, remaining, reset_at)`` with ``p50``, ``p90``, ``p99`` and
    ``p_exhaust``."""
    from ratelord_core.testing import backtest  # noqa: PLC0415 - a store test needs no models

    return backtest.backtest_model(capacity, window_s, model)
