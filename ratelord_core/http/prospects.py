"""What would be: what binds, what fits when, how a plan would go. Nothing is held."""

from __future__ import annotations

from ratelord_core.arbiter import Arbiter
from ratelord_core.errors import FieldError
from ratelord_core.http.body import read_body
from ratelord_core.http.exchange import Answer, Exchange, json_reply
from ratelord_core.http.intents import placed
from ratelord_core.http.paging import read_window
from ratelord_core.http.query import Query
from ratelord_core.http.security import act_as
from ratelord_core.http.settings import HttpSettings
from ratelord_core.http.wire import BatchCodec
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.ids import ROOT_SCOPE, UNKNOWN
from ratelord_core.model.instant import DAY, from_seconds, to_seconds
from ratelord_core.model.pool import MAX_UNITS
from ratelord_core.model.prospects import ConstraintView
from ratelord_core.wire.faults import check_id, invalid
from ratelord_core.wire.intent import IntentRequest

LONGEST_PLAN = 100
"""Steps of a plan."""
_YEAR = int(to_seconds(366 * DAY))


class Prospects:
    """What HTTP tells of what would be."""

    def __init__(self, arbiter: Arbiter, settings: HttpSettings) -> None:
        self._arbiter = arbiter
        self._settings = settings
        self._plan = BatchCodec(IntentRequest, "intents", LONGEST_PLAN)

    async def constraints(self, exchange: Exchange) -> Answer:
        """``GET /v1/constraints``: what binds; an agent may ask about itself only."""
        query = Query(exchange)
        window = read_window(query)
        agent_id, identity_id = _name(query, "agent_id"), _name(query, "identity_id")
        workload_id, scope_id = _name(query, "workload_id"), _name(query, "scope_id", ROOT_SCOPE)
        who = Dimensions(agent_id, identity_id, workload_id, scope_id)
        query.finish()
        if who.identity_id != UNKNOWN or exchange.caller.role == "agent":
            act_as(exchange.caller, who.identity_id)
        found = await self._arbiter.constraints(who)
        numbered = [(f"{index:06}", one) for index, one in enumerate(found)]
        page = window.cut(numbered, _number)
        page.items[:] = [one for _, one in page.items]
        return json_reply(page)

    async def fit(self, exchange: Exchange) -> Answer:
        """``GET /v1/forecasts/fit``: whether so many units fit in time."""
        query = Query(exchange)
        pool = query.text("pool")
        units = query.number("units", 1, 0, MAX_UNITS)
        within = query.number("within_seconds", 0, 0, _YEAR)
        agent_id = _name(query, "agent_id")
        query.finish()
        if pool is None:
            raise invalid((FieldError("pool", "is required: provider_id/pool_id"),))
        return json_reply(await self._arbiter.fit(pool, units, from_seconds(within), agent_id))

    async def plan(self, exchange: Exchange) -> Answer:
        """``POST /v1/plan``: how these intents would be answered one after another."""
        body = await read_body(exchange, self._settings.batch_limit)
        batch, exchange.warning = self._plan.decode(body)
        intents = [placed(index, asked) for index, asked in enumerate(batch)]
        for intent in intents:
            act_as(exchange.caller, intent.identity_id)
        return json_reply(await self._arbiter.plan(intents, exchange.caller))


def _name(query: Query, field: str, otherwise: str = UNKNOWN) -> str:
    text = query.text(field)
    faults: list[FieldError] = []
    check_id(faults, field, text)
    for fault in faults:
        query.wrong(field, fault.message)
    return otherwise if text is None else text


def _number(numbered: tuple[str, ConstraintView]) -> str:
    return numbered[0]
