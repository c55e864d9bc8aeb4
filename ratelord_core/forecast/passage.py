"""When a drifting, widening demand passes a level: closed forms of the normal distribution."""

from __future__ import annotations

import math
from math import erf, sqrt
from typing import Final

Outlook = tuple[float, tuple[float, float, float]]
"""The chance of running dry before the horizon, and the bounds p50, p90, p99 in seconds."""

Z90: Final = 1.2815515655446004
"""The 90th percentile of the standard normal distribution."""
Z99: Final = 2.3263478740408408
"""Its 99th percentile."""
_RETURNING: Final = (0.5449521356173603, 1.6322187896168654, 2.574961455590522)
"""Deviations at which a path that may leave the level again has touched it with a chance of 50, 10
and 1 %: see ``once``."""
_BEYOND: Final = (math.inf, math.inf, math.inf)
_ROOT_HALF: Final = sqrt(0.5)


def normal_cdf(x: float) -> float:
    """P(Z <= x) of the standard normal distribution."""
    return 0.5 * (1.0 + erf(x * _ROOT_HALF))


def passage_time(level: float, rate: float, noise: float, doubt: float, z: float) -> float:
    """The earliest s at which demand reaches ``level`` if it runs ``z`` deviations high.

    Demand over s seconds has the mean ``rate * s`` and the variance ``noise * s + doubt * s**2``.
    Solves ``level - rate * s = z * sqrt(noise * s + doubt * s**2)`` for its smallest positive root,
    written so that nothing cancels; ``inf`` if demand never gets there.
    """
    zz = z * z
    discriminant = zz * (zz * noise * noise + 4.0 * level * (rate * noise + doubt * level))
    if discriminant < 0.0:
        return math.inf
    below = 2.0 * level * rate + zz * noise + sqrt(discriminant)
    return 2.0 * level * level / below if below > 0.0 else math.inf


def passage_chance(
    level: float, rate: float, noise: float, doubt: float, horizon: float, *, returns: bool = False
) -> float:
    """The probability that demand reaches ``level`` within ``horizon`` seconds.

    Cumulative demand hardly ever falls, so this is P(demand(horizon) >= level). If what was taken
    ``returns``, or more flows back than is spent (``rate`` < 0), the path may touch the level and
    leave it: the likeliest instant on the way counts, and as much again for all others, as it is
    for a path without drift. What was taken makes up for what is not left at the horizon and
    not before, so more that is left never means more risk.
    """
    if rate >= 0.0 and not returns:
        return _reached(level, rate, noise, doubt, horizon)
    away, instant = rate * noise + 2.0 * level * doubt, horizon
    if away < 0.0:  # where the level is fewest deviations away; before that ever nearer
        instant = min(horizon, max(0.0, -level * noise / away))
    return 1.0 - (1.0 - _reached(level, rate, noise, doubt, instant)) ** 2


def once(chance: float) -> float:
    """How likely a path that may leave the level again must stand beyond it at an instant to have
    touched it by then with this ``chance``."""
    return 1.0 - sqrt(1.0 - chance)


def _reached(level: float, rate: float, noise: float, doubt: float, instant: float) -> float:
    variance = noise * instant + doubt * instant * instant
    mean = rate * instant
    if variance <= 0.0:
        return 1.0 if mean >= level else 0.0
    return normal_cdf((mean - level) / sqrt(variance))


def passage(
    level: float, rate: float, noise: float, doubt: float, horizon: float, *, returns: bool = False
) -> Outlook:
    """Chance and bounds for a level that is drawn at ``rate`` (less than 0: it fills up) with the
    variance ``noise * s + doubt * s**2``; ``inf`` for bounds beyond the horizon."""
    chance = passage_chance(level, rate, noise, doubt, horizon, returns=returns)
    z50, z90, z99 = _RETURNING if returns else (0.0, Z90, Z99)
    p50 = level / rate if rate > 0.0 else math.inf
    if returns:
        p50 = min(p50, passage_time(level, rate, noise, doubt, z50))
    p99 = min(p50, passage_time(level, rate, noise, doubt, z99))
    if p99 >= horizon:  # the others lie later still
        return chance, _BEYOND
    p90 = min(p50, passage_time(level, rate, noise, doubt, z90))
    bounds = (p50 if p50 < horizon else math.inf, p90 if p90 < horizon else math.inf, min(p99, p90))
    return chance, bounds


def flowing_back(kind: str, limit: float, remaining: float, span: float) -> float:
    """Units a second that come back: a bucket refills; of a sliding window and of slots (where
    ``span`` is how long work takes) what is used comes back."""
    return (limit if kind == "bucket" else max(0.0, limit - remaining)) / span


def worse(one: Outlook, other: Outlook) -> Outlook:
    """The greater risk and the earlier bounds of two answers."""
    (chance, (a, b, c)), (also, (d, e, f)) = one, other
    return max(chance, also), (min(a, d), min(b, e), min(c, f))
