"""How many units of a pool an action takes."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ratelord_core.graph import Draw
from ratelord_core.model.intent import Intent
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


def settled_units(
    pool: str,
    held: int,
    actual_cost: float | None,
    costs: Mapping[str, float],
    consumes: Mapping[str, float],
) -> int:
    """Units that a report settles in a pool: what it says of the pool, else its cost × what a call
    consumes, else the held units."""
    named = costs.get(pool)
    if named is not None:
        return whole(named)
    if actual_cost is not None:
        return whole(actual_cost * consumes.get(pool, 1.0))
    return held


def whole(amount: float) -> int:
    """A whole number of units, rounded up, never past the largest amount."""
    return min(MAX_UNITS, math.ceil(amount))
