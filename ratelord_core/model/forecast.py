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
    per second, ``burn_variance`` its variance. ``ttr`` is the time to the reset, ``margin`` is
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
