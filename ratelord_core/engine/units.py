"""How many units of a pool an action takes."""

from __future__ import annotations

import math

from ratelord_core.graph import Draw
from ratelord_core.model.ids import pool_key, split_pool_key
from ratelord_core.model.intent import Intent, Report
from ratelord_core.model.pool import MAX_UNITS
from ratelord_core.projections.costs import LearnedCosts


def units_of(intent: Intent, draw: Draw, costs: LearnedCosts) -> int:
    """Units to hold: what the intent says of this pool, else its expected cost × what a call
    consumes, else what reports taught, else what a call consumes, else 1. Rounded up."""
    named = intent.costs.get(draw.pool)
    if named is not None:
        return whole(named)
    per_call = 1.0 if draw.consumes is None else draw.consumes
    if intent.expected_cost is not None:
        return whole(intent.expected_cost * per_call)
    learned = costs.estimate(intent.workload_id, draw.pool)
    return learned if learned is not None else whole(per_call)


def settled_units(pool: str, held: int, report: Report, per_call: float) -> int:
    """Units that a report settles in a pool: what it says of the pool, else its cost × what a call
    consumes, else the held units."""
    named = report.costs.get(pool)
    if named is not None:
        return whole(named)
    if report.actual_cost is not None:
        return whole(report.actual_cost * per_call)
    return held


def shared_key(pool: str, identity: str) -> str:
    """The key under which a workload lists an identity's own instance of a pool."""
    provider_id, pool_id = split_pool_key(pool)
    return pool_key(provider_id, pool_id.removeprefix(f"{identity}/"))


def whole(amount: float) -> int:
    """A whole number of units, rounded up, never past the largest amount."""
    return min(MAX_UNITS, math.ceil(amount))
