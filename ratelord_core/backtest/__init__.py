"""Backtests: what forecast models would have said along a recorded trace, and how it came out."""

from ratelord_core.backtest.comparing import ALL, Comparison
from ratelord_core.backtest.trace import PoolSpec, Trace, read_trace
from ratelord_core.backtest.verdict import Verdict

__all__ = ["ALL", "Comparison", "PoolSpec", "Trace", "Verdict", "read_trace"]
