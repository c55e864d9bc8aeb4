"""In what terms a model thinks of a pool, and which of its answers make sense."""

from __future__ import annotations

from math import inf
from typing import Final

from ratelord_core.model.forecast import Forecast
from ratelord_core.model.instant import DAY, HOUR, Micros, to_seconds
from ratelord_core.model.pool import Pool
from ratelord_core.model.window import Window

_CALENDAR: Final = {"hour": HOUR, "day": DAY, "week": 7 * DAY, "month": 30 * DAY}
_SLOTS: Final = 60.0
"""Seconds in which models of slots think: nothing says how long work takes."""


def span_of(window: Window) -> Micros | None:
    """A window's length in µs (a month counts 30 days); None if it is not known."""
    if window.kind == "calendar":
        return _CALENDAR[window.unit or "day"]
    return window.every


def scale_of(pool: Pool, span: Micros | None) -> float | None:
    """The seconds that a model is to think in."""
    if span is None:
        return _SLOTS if pool.window.kind == "concurrency" else None
    return to_seconds(span)


def sane(said: Forecast) -> Forecast:
    """An answer that makes sense; any other is a ``ValueError``. What is no number is never so."""
    if not (
        0.0 <= said.tte_p99 <= said.tte_p90 <= said.tte_p50 and 0.0 <= said.p_exhaustion <= 1.0
    ):
        raise ValueError(f"bounds out of order or a probability outside 0 … 1: {said}")
    if not (0.0 <= said.burn_mean < inf and 0.0 <= said.burn_variance < inf):
        raise ValueError(f"a burn rate or its variance that is no number from 0 up: {said}")
    if not (said.ttr >= 0.0 and said.margin >= -inf):
        raise ValueError(f"a time to the reset or a margin that is no time: {said}")
    return said
