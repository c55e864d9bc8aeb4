"""How much fresh numbers of an account matter now: what its polls go by."""

from __future__ import annotations

import math

from ratelord_core.engine.state import State
from ratelord_core.ledger import Figures
from ratelord_core.model.forecast import Forecast
from ratelord_core.model.instant import Micros, to_seconds
from ratelord_core.model.pool import PART
from ratelord_core.watch import Load

_DEVIATIONS = 2.0
"""Of the demand, in which it is reckoned to exceed its mean: a wide forecast asks for news."""
_CALM = 0.05
"""Units that are likely drawn in one interval: fewer are none."""


def load_of(state: State, account_id: str, interval: Micros, now: Micros) -> Load:
    """What the account's pools are going through.

    The pressure is the highest of any pool: the probability that it runs dry before its reset, or
    the part of what is left that one interval may take. Idle is an account from which nobody
    draws. The only reset that counts is that of a pool which is drawn from.
    """
    pressure, idle = 0.0, True
    resets: list[Micros] = []
    for key in list(state.ledger.accounts):
        if PART in key or state.polling.account_of(key) != account_id:
            continue
        figures = state.ledger.account(key, now).figures(now)
        forecast = state.outlook(key, figures, now)
        wanted = forecast.burn_mean * to_seconds(interval) >= _CALM
        if not (figures.held or figures.scheduled or wanted):
            continue
        idle = False
        if figures.reset_at is not None:
            resets.append(figures.reset_at)
            if not figures.available:
                continue  # nothing is news before the reset
        pressure = max(pressure, forecast.p_exhaustion, _part(forecast, figures, interval))
    return Load(pressure, idle, min(resets, default=None))


def _part(forecast: Forecast, figures: Figures, interval: Micros) -> float:
    """The part of what is left that is likely gone before the next poll."""
    if figures.limit is None:
        return 0.0
    rate = forecast.burn_mean + _DEVIATIONS * math.sqrt(max(0.0, forecast.burn_variance))
    spent = rate * to_seconds(interval)
    return min(1.0, spent / figures.available) if figures.available else 1.0
