"""What a hold was priced for, so that its report can be priced alike."""

from __future__ import annotations

import msgspec

from ratelord_core.events.payloads import IntentDecided, IntentSubmitted


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """The model, the costs that the asker named, and the micro-USD expected (-1 = unknown)."""

    model: str | None
    costs: dict[str, str]
    cost: int

    @classmethod
    def of(cls, asked: IntentSubmitted, decided: IntentDecided) -> Receipt:
        """What was asked and promised; a route's model takes the place of the asker's."""
        route = decided.modifications.get("route") or {}
        return cls(route.get("model", asked.model), asked.costs, decided.cost)
