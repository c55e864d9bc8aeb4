"""GitHub's secondary limits, which no answer tells: pools with the documented numbers.

Source: GitHub's guide "Rate limits for the REST API", "About secondary rate limits".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ratelord_core.headers import RateLimit, parse_retry_after
from ratelord_core.model.instant import HOUR, MINUTE, Micros, from_seconds
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import MAX_UNITS, Pool
from ratelord_core.model.window import Window

PAUSE: Final = "secondary/pause"
"""Empty for as long as GitHub asked to leave it alone, and otherwise without a limit."""
_LONGEST: Final = 86_400.0
"""Seconds; nobody is asked to stay away for longer than a day."""

_LIMITS: Final[tuple[tuple[str, str, int, Window], ...]] = (
    ("secondary/concurrent", "requests", 100, Window("concurrency")),
    ("secondary/rest_points", "points", 900, Window("sliding", every=MINUTE)),
    ("secondary/graphql_points", "points", 2000, Window("sliding", every=MINUTE)),
    ("secondary/content_minute", "requests", 80, Window("sliding", every=MINUTE)),
    ("secondary/content_hour", "requests", 500, Window("sliding", every=HOUR)),
)


def secondary_pools(provider_id: str) -> tuple[Pool, ...]:
    """The pools; a workload draws from those that it lists."""
    return tuple(
        Pool(provider_id, name, unit=unit, limit=limit, window=window, default=False)
        for name, unit, limit, window in _LIMITS
    )


def pause_pool(provider_id: str) -> Pool:
    """What every call draws from that names no pools, so that a pause is everybody's."""
    return Pool(provider_id, PAUSE, window=Window("fixed"))


def pause_of(
    provider_id: str,
    headers: Mapping[str, str],
    limit: RateLimit | None,
    dated: Micros,
    now: Micros,
    ahead: Micros,
) -> Observation | None:
    """What a ``retry-after`` means that belongs to no primary limit: nothing remains until then.

    ``limit`` is what the same headers say of a primary limit; ``now`` is on our clock, and GitHub's
    is ``ahead`` of that.
    """
    if limit is not None and limit.remaining == 0:
        return None
    wait = parse_retry_after(headers.get("retry-after", ""), now + ahead)
    if not wait:
        return None
    until = now + from_seconds(min(wait, _LONGEST))
    return Observation(
        provider_id, PAUSE, dated, limit=MAX_UNITS, remaining=0, reset_at=until, unit="requests"
    )
