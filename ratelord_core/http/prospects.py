"""What would be: what binds, what fits when, how a plan would go. Nothing is held."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from ratelord_core.arbiter import Arbiter
from ratelord_core.errors import FieldError
from ratelord_core.http.body import read_body
from ratelord_core.http.exchange import Answer, Exchange, json_reply
from ratelord_core.http.paging import Page, read_window
from ratelord_core.http.parameters import AGENT, IDENTITY, SCOPE, WORKLOAD, Name, Number, Text
from ratelord_core.http.query import Query
from ratelord_core.http.security import act_as
from ratelord_core.http.settings import HttpSettings
from ratelord_core.http.wire import BatchCodec
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.ids import ROOT_SCOPE, UNKNOWN
from ratelord_core.model.instant import DAY, from_seconds, to_seconds
from ratelord_core.model.pool import MAX_UNITS
from ratelord_core.model.prospects import ConstraintView
from ratelord_core.wire.faults import check_id
from ratelord_core.wire.intent import IntentRequest, intent_of

LONGEST_PLAN = 100
"""Steps of a plan."""
WHO = (AGENT, IDENTITY, WORKLOAD, SCOPE)
THIS_POOL = Text("pool", "the pool: `provider/pool`", required=True)
UNITS = Number("units", "how many", most=MAX_UNITS, default=1)
WITHIN = Number("within_seconds", "how soon", most=int(to_seconds(366 * DAY)), default=0)
FIT = (THIS_POOL, UNITS, WITHIN, AGENT)


class PlanRequest(msgspec.Struct, frozen=True):
    """The body of a plan: its steps, in their order."""

    intents: Annotated[list[IntentRequest], Meta(extra_json_schema={"maxItems": LONGEST_PLAN})]


class Prospects:
    """What HTTP tells of what would be."""

    def __init__(self, arbiter: Arbiter, settings: HttpSettings) -> None:
        self._arbiter = arbiter
        self._settings = settings
        self._plan = BatchCodec(IntentRequest, "intents", LONGEST_PLAN, intent_of)

    async def constraints(self, exchange: Exchange) -> Answer:
        """What binds an action of this asker; an agent may ask about itself only."""
        query = Query(exchange)
        window = read_window(query)
        agent_id, identity_id = _name(query, AGENT), _name(query, IDENTITY)
        workload_id, scope_id = _name(query, WORKLOAD), _name(query, SCOPE, ROOT_SCOPE)
        who = Dimensions(agent_id, identity_id, workload_id, scope_id)
        query.finish()
        if who.identity_id != UNKNOWN or exchange.caller.role == "agent":
            act_as(exchange.caller, who.identity_id)
        found = await self._arbiter.constraints(who)
        numbered = [(f"{index:06}", one) for index, one in enumerate(found)]
        page = window.cut(numbered, _number)
        return json_reply(Page([one for _, one in page.items], page.next))

    async def fit(self, exchange: Exchange) -> Answer:
        """Whether so many units of a pool fit, now or within a time."""
        query = Query(exchange)
        pool = THIS_POOL.read(query) or ""
        units, within = UNITS.wanted(query), WITHIN.wanted(query)
        agent_id = _name(query, AGENT)
        query.finish()
        return json_reply(await self._arbiter.fit(pool, units, from_seconds(within), agent_id))

    async def plan(self, exchange: Exchange) -> Answer:
        """How these intents would be answered one after another; nothing is held."""
        body = await read_body(exchange, self._settings.batch_limit)
        intents, exchange.warning = self._plan.decode(body)
        for intent in intents:
            act_as(exchange.caller, intent.identity_id)
        return json_reply(await self._arbiter.plan(intents, exchange.caller))


def _name(query: Query, parameter: Name, otherwise: str = UNKNOWN) -> str:
    text = query.text(parameter.name)
    faults: list[FieldError] = []
    check_id(faults, parameter.name, text)
    for fault in faults:
        query.wrong(parameter.name, fault.message)
    return otherwise if text is None else text


def _number(numbered: tuple[str, ConstraintView]) -> str:
    return numbered[0]
