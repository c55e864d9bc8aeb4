"""One way to act, and what came of looking at it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from ratelord_core.engine.moment import Moment
from ratelord_core.engine.wish import Judgement
from ratelord_core.ledger import Need
from ratelord_core.model.instant import SECOND, Micros
from ratelord_core.model.intent import Intent
from ratelord_core.policy.action import Way
from ratelord_core.policy.verdict import PolicyVerdict


class Weighed(msgspec.Struct, frozen=True, gc=False):
    """An intent with its judgement. ``way`` is None for the way that was asked for."""

    intent: Intent
    moment: Moment
    needs: Sequence[Need]
    verdict: PolicyVerdict
    judged: Judgement
    way: Way | None = None

    @property
    def start(self) -> Micros:
        """When it may begin; of a denial, later than ever."""
        start = self.judged.start
        return _NEVER if start is None else start

    @property
    def allowed(self) -> bool:
        """Whether it may begin at all."""
        return self.judged.start is not None

    def headroom(self) -> float:
        """What its tightest pool has left once it holds what it needs, as a part of the limit."""
        least = 1.0
        for need in self.needs:
            figures = self.moment.figures[need.pool]
            if figures.limit is not None:
                left = figures.available - need.units
                least = min(least, left / figures.limit if figures.limit else 0.0)
        return least

    def price(self) -> float:
        """Micro-USD, or infinite where nobody knows a price."""
        return _NEVER if self.moment.cost is None else self.moment.cost

    def modification(self) -> dict[str, Any]:
        """What the asker must change, as it is on the wire."""
        way = self.way
        if way is None:
            return {}
        if way.kind == "max_cost":
            return {"max_cost": way.most}
        if way.kind != "route":
            return {way.kind: way.name}
        leads = {"provider_id": way.provider_id, "pool_id": way.pool_id, "model": way.model}
        return {"route": {name: value for name, value in leads.items() if value is not None}}

    def as_alternative(self) -> dict[str, Any]:
        """The modification, with the wait, the units and the micro-USD that go with it."""
        wait = (self.start - self.moment.now) / SECOND
        told = self.modification() | {"wait_seconds": wait, "units": self.moment.total_units()}
        return told if self.moment.cost is None else told | {"cost_microusd": self.moment.cost}


_NEVER: Micros = 2**63
