"""Which changes of a forecast are worth an event."""

from __future__ import annotations

import math
from typing import Final

import msgspec

from ratelord_core.model.forecast import Forecast, RiskLevel
from ratelord_core.model.instant import SECOND, Micros

P_STEP: Final = 0.05
"""A probability that moved by this much is news."""
TTE_STEP: Final = 0.2
"""So is a median time to exhaustion that moved by this part of itself …"""
TTE_LEAST: Final = 1.0
"""… and by this many seconds."""
SPACING: Final = SECOND
"""News of one pool are at least so far apart (µs), unless the level itself changed."""


class Announced(msgspec.Struct, frozen=True, gc=False):
    """What was last said of a pool, and when."""

    at: Micros
    level: RiskLevel
    p_exhaustion: float
    tte_p50: float


def is_material(last: Announced | None, forecast: Forecast, level: RiskLevel, now: Micros) -> bool:
    """Whether a forecast differs from what was last said by more than noise.

    A pool of which nothing was ever said is news once it burns, or once its risk is not ``ok``.
    """
    if last is None:
        return level != "ok" or forecast.burn_mean > 0.0
    if level != last.level:
        return True
    if now - last.at < SPACING:
        return False
    if abs(forecast.p_exhaustion - last.p_exhaustion) >= P_STEP:
        return True
    before, after = last.tte_p50, forecast.tte_p50
    if math.isinf(before) or math.isinf(after):
        return before != after
    return abs(after - before) >= max(TTE_LEAST, TTE_STEP * before)
