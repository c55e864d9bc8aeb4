"""What the arbiter beside its engine tells of what would be; a part of ``LocalArbiter``."""

from __future__ import annotations

from collections.abc import Sequence

from ratelord_core.ledger import Asker
from ratelord_core.model.caller import Caller
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.ids import UNKNOWN
from ratelord_core.model.instant import Micros
from ratelord_core.model.intent import Intent
from ratelord_core.model.prospects import ConstraintView, FitView, PlanView
from ratelord_core.onlooker import Onlooker


class LocalProspects(Onlooker):
    """Looks ahead. Nothing is held, and nothing but the passing of time is written down."""

    async def constraints(self, who: Dimensions) -> list[ConstraintView]:
        return self.engine.surveyor.constraints(who, self._look())

    async def fit(self, pool: str, units: int, within: Micros, agent_id: str = UNKNOWN) -> FitView:
        now = self._look()
        asker = Asker((agent_id, UNKNOWN, UNKNOWN), self.engine.state.agent(agent_id).weight)
        lifetime = self.engine.state.settings.hold_ttl
        return self.engine.surveyor.fit(pool, units, now + within, asker, lifetime, now)

    async def plan(self, intents: Sequence[Intent], caller: Caller) -> PlanView:
        now = self.clock.now()
        self.engine.scribe.turn(now, self.engine.state.ledger.accounts)
        return self.engine.surveyor.plan(intents, now)
