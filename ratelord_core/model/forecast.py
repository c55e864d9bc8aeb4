"""A forecast: how long a pool lasts, and how likely it runs dry before it refills."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

RiskLevel = Literal["ok", "warn", "critical", "unknown"]


class Forecast(msgspec.Struct, frozen=True, gc=False):
    """One model's answer for one pool at one instant; seconds, ``inf`` = not before the reset.

    ``tte_p90`` is a lower bound that holds 90 % of the time, so p99 <= p90 <= p50.
    ``p_exhaustion`` is the probability of running dry before the reset. ``burn_mean`` is in units
    per second, ``burn_variance`` its variance. ``ttr`` is the time to the reset (of a sliding
    window: until something comes back; of a bucket: until it would be full), ``margin`` is
    ``tte_p99 - ttr``. ``freshness`` is the age in seconds of the newest provider data (0 = local).
    """

    tte_p50: float = math.inf
    tte_p90: float = math.inf
    tte_p99: float = math.inf
    p_exhaustion: float = 0.0
    burn_mean: float = 0.0
    burn_variance: float = 0.0
    ttr: float = math.inf
    margin: float = math.inf
    freshness: float = 0.0
    model_id: str = ""
    model_version: str = ""


class Score(msgspec.Struct, frozen=True):
    """How settled forecasts fared: their track record.

    ``brier`` is the mean squared error of the risk, ``skill`` its gain over always saying
    ``base_rate`` (None: everything, or nothing, was exhausted). ``calibration_error`` is the mean
    distance between risk said and share seen, in ten bins. Coverage is the share of the bounds
    before the reset that held: right at 0.5, 0.9, 0.99 (None: there were none).
    """

    forecasts: int
    windows: int
    base_rate: float
    brier: float
    skill: float | None
    log_loss: float
    calibration_error: float
    coverage_p50: float | None
    coverage_p90: float | None
    coverage_p99: float | None
    pinball_percent: float
