"""A question as it is written down."""

from __future__ import annotations

from ratelord_core.events.payloads import IntentSubmitted
from ratelord_core.model.intent import Intent


def submitted(intent: Intent, key: str, body: str) -> IntentSubmitted:
    """The question as it is written down."""
    costs = {}
    if intent.costs:
        costs = {pool: f"{cost:.17g}" for pool, cost in sorted(intent.costs.items())}
    return IntentSubmitted(
        urgency=intent.urgency,
        expected_cost="" if intent.expected_cost is None else f"{intent.expected_cost:.17g}",
        costs=costs,
        provider_id=intent.provider_id,
        pool_id=intent.pool_id,
        model=intent.model,
        duration=intent.duration,
        max_wait=intent.max_wait,
        renews=intent.renews,
        run=intent.run,
        task=intent.task,
        key=key,
        body=body,
    )
