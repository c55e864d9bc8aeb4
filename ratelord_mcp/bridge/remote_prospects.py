"""What the arbiter of a daemon elsewhere tells of what would be."""

from __future__ import annotations

from collections.abc import Sequence

from ratelord_core.model.caller import Caller
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.ids import UNKNOWN
from ratelord_core.model.instant import Micros, to_seconds
from ratelord_core.model.intent import Intent
from ratelord_core.model.prospects import ConstraintView, FitView, PlanView
from ratelord_mcp.bridge.line import Line
from ratelord_mcp.bridge.reading import intent_body, record_of
from ratelord_mcp.bridge.refusals import translated


class RemoteProspects:
    """Looks ahead over a line to a daemon; nothing is held."""

    _line: Line

    async def constraints(self, who: Dimensions) -> list[ConstraintView]:
        names = {
            "agent_id": who.agent_id,
            "identity_id": who.identity_id,
            "workload_id": who.workload_id,
            "scope_id": who.scope_id,
        }
        known = {name: value for name, value in names.items() if value != UNKNOWN}
        with translated():
            found = await self._line.speak(lambda client: client.constraints(**known))
        return record_of(found, list[ConstraintView])

    async def fit(self, pool: str, units: int, within: Micros, agent_id: str = UNKNOWN) -> FitView:
        agent = None if agent_id == UNKNOWN else agent_id
        with translated():
            found = await self._line.speak(
                lambda client: client.fit(pool, units, to_seconds(within), agent)
            )
        return record_of(found, FitView)

    async def plan(self, intents: Sequence[Intent], caller: Caller) -> PlanView:
        bodies = [intent_body(intent) for intent in intents]
        with translated():
            found = await self._line.speak(lambda client: client.plan(bodies))
        return record_of(found, PlanView)
