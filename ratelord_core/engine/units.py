"""How many units of a pool an action takes."""

from __future__ import annotations

import math

from ratelord_core.model.ids import pool_key, split_pool_key
from ratelord_core.model.intent import Report
from ratelord_core.model.pool import MAX_UNITS, declared_key


def usable(capacity: int | None, reserve_percent: float) -> int | None:
    """What one ask can have of a pool besides what is kept for urgent work; None = no limit."""
    return None if capacity is None else capacity - math.ceil(capacity * reserve_percent / 100)


def settled_units(pool: str, held: int, report: Report, per_call: float, short: str = "") -> int:
    """Units that a report settles in a pool: what it says of the pool (by its key, or ``short``),
    else its cost × what a call consumes, else the held units."""
    named = report.costs.get(declared_key(pool), report.costs.get(short))
    if named is not None:
        return whole(named)
    if report.actual_cost is not None:
        return whole(report.actual_cost * per_call)
    return held


def shared_key(pool: str, identity: str) -> str:
    """The key under which a workload lists an identity's own instance of a pool."""
    provider_id, pool_id = split_pool_key(declared_key(pool))
    return pool_key(provider_id, pool_id.removeprefix(f"{identity}/"))


def whole(amount: float) -> int:
    """A whole number of units, rounded up, never past the largest amount."""
    units = math.ceil(amount)
    return units if units < MAX_UNITS else MAX_UNITS
