"""An intent: what an agent would like to do, before it does it; and the report that settles it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.instant import Micros

Urgency = Literal["high", "normal", "background"]
Outcome = Literal["success", "error", "rate_limited", "cancelled"]


class Intent(msgspec.Struct, frozen=True, omit_defaults=True):
    """A question to the arbiter, validated: ids are well formed, amounts are 0 … 2^53-1.

    ``expected_cost`` and ``costs`` may be fractional; units are rounded up per pool. Spans are µs.
    ``provider_id``/``pool_id`` pin the pool. ``renews`` names an earlier intent that this one
    continues. ``dry_run`` evaluates and holds nothing. ``run`` and ``task`` are digests of what the
    asker calls its run and its task: what several intents take together is counted under them.
    ``context`` is the asker's own: it is never kept, but a budget may be counted by one of its
    values.
    """

    agent_id: str
    identity_id: str
    workload_id: str
    scope_id: str
    urgency: Urgency = "normal"
    expected_cost: float | None = None
    costs: dict[str, float] = {}
    provider_id: str | None = None
    pool_id: str | None = None
    model: str | None = None
    duration: Micros | None = None
    max_wait: Micros | None = None
    idempotency_key: str | None = None
    renews: str | None = None
    dry_run: bool = False
    debug: bool = False
    run: str = ""
    task: str = ""
    context: dict[str, Any] = {}

    @property
    def dimensions(self) -> Dimensions:
        """The four names as events carry them."""
        return Dimensions(self.agent_id, self.identity_id, self.workload_id, self.scope_id)


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an approved action really cost.

    ``actual_cost`` applies to every pool of the intent as ``expected_cost`` did; ``costs`` name
    pools. Neither: the held units. ``headers`` are a provider's response headers, lower-cased.
    """

    outcome: Outcome = "success"
    actual_cost: float | None = None
    costs: dict[str, float] = {}
    headers: dict[str, str] = {}
