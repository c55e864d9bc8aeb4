"""What a hold was priced for, so that its report can be priced and counted alike."""

from __future__ import annotations

import msgspec

from ratelord_core.events.payloads import IntentDecided, IntentSubmitted
from ratelord_core.model.spent import Spent


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """The model, the costs that the asker named, and the micro-USD expected (-1 = unknown); whose
    sums it counts in (``keys``), with how many units."""

    model: str | None
    costs: dict[str, str]
    cost: int
    keys: tuple[str, ...] = ()
    units: int = 0

    @classmethod
    def of(
        cls, asked: IntentSubmitted, decided: IntentDecided, agent_id: str, units: int
    ) -> Receipt:
        """What was asked and promised; a route's model takes the place of the asker's."""
        route = decided.modifications.get("route") or {}
        model = route.get("model", asked.model)
        named = {"agent": agent_id, "run": asked.run, "task": asked.task}
        keys = tuple([f"{kind}:{name}" for kind, name in named.items() if name])
        return cls(model, asked.costs, decided.cost, keys, units)

    @property
    def spent(self) -> Spent:
        """What it counts for until it is reported."""
        return Spent(1, self.units, max(0, self.cost))

    def correction(self, units: int, cost: int) -> Spent:
        """What a report adds to that, or takes away."""
        known = cost if cost >= 0 else max(0, self.cost)
        return Spent(0, units - self.units, known - max(0, self.cost))
