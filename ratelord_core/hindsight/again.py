"""What was asked and reported in the past, put to a candidate once more."""

from __future__ import annotations

from typing import Any

from ratelord_core.events.payloads import IntentReported, IntentSubmitted
from ratelord_core.hindsight.candidate import Candidate
from ratelord_core.hindsight.past import Past
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.intent import Intent, Report
from ratelord_core.model.pool import MONEY


def question(asked: IntentSubmitted, who: Dimensions, known: dict[str, Any]) -> Intent:
    """The question as it was asked, with what is ``known`` of the asker's own values. Its key is
    gone: a repeated one never came this far."""
    return Intent(
        who.agent_id,
        who.identity_id,
        who.workload_id,
        who.scope_id,
        asked.urgency,  # type: ignore[arg-type]  # written down from one that was checked
        float(asked.expected_cost) if asked.expected_cost else None,
        {pool: float(cost) for pool, cost in asked.costs.items()} if asked.costs else {},
        asked.provider_id,
        asked.pool_id,
        asked.model,
        asked.duration,
        asked.max_wait,
        renews=asked.renews,
        run=asked.run,
        task=asked.task,
        context=known,
    )


def report_of(
    e: IntentReported, held: dict[str, int], past: Past, candidate: Candidate, here: str
) -> Report:
    """The report of the past, for the pools that the candidate draws from. A pool that the past
    did not have takes what another of its unit took."""
    if e.outcome == "cancelled":
        return Report("cancelled")
    told = {
        pool: float(units)
        for pool, units in e.settled
        if pool not in e.assumed and (e.learn or units != held.get(pool))
    }
    hold = candidate.hold_of(here)
    if not told or hold is None:
        return Report(e.outcome)  # type: ignore[arg-type]  # written down from one that was checked
    by_unit: dict[str, float] = {}
    for pool, units in told.items():
        unit = past.unit(pool)
        if unit:
            by_unit[unit] = max(units, by_unit.get(unit, 0.0))
    accounts = candidate.state.ledger.accounts
    priced = bool(candidate.state.prices.lists)
    costs = {}
    for pool in (*hold.legs, *hold.resolved):
        unit = accounts[pool].pool.unit
        found = told.get(pool, by_unit.get(unit))
        if found is not None and not (priced and unit == MONEY):
            costs[pool] = found
    return Report(e.outcome, None, costs)  # type: ignore[arg-type]  # as above
