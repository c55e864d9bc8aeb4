"""GitHub's secondary limits, which no answer tells: pools with the documented numbers.

Source: GitHub's guide "Rate limits for the REST API", "About secondary rate limits".
"""

from __future__ import annotations

from typing import Final

from ratelord_core.model.instant import HOUR, MINUTE
from ratelord_core.model.pool import Pool
from ratelord_core.model.window import Window

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


CALLS: Final[dict[str, dict[str, float]]] = {
    "rest_read": {"core": 1, "secondary/rest_points": 1, "secondary/concurrent": 1},
    "rest_write": {"core": 1, "secondary/rest_points": 5, "secondary/concurrent": 1},
    "create_content": {
        "core": 1,
        "secondary/rest_points": 5,
        "secondary/content_minute": 1,
        "secondary/content_hour": 1,
        "secondary/concurrent": 1,
    },
    "search": {"search": 1, "secondary/rest_points": 1, "secondary/concurrent": 1},
    "code_search": {"code_search": 1, "secondary/rest_points": 1, "secondary/concurrent": 1},
    "graphql_query": {"graphql": 1, "secondary/graphql_points": 1, "secondary/concurrent": 1},
    "graphql_mutation": {"graphql": 1, "secondary/graphql_points": 5, "secondary/concurrent": 1},
}
"""What common calls take, by pool: the points that GitHub documents for each kind."""


def consumes(provider_id: str, call: str) -> dict[str, float]:
    """What a common call takes of an account's pools, as a workload's ``consumes`` has it."""
    return {f"{provider_id}/{pool}": units for pool, units in CALLS[call].items()}
