"""``report_usage``: settle an intent with what it really cost."""

from __future__ import annotations

from typing import Final

import msgspec

from ratelord_core.agent_tools import AgentTool, ToolCall
from ratelord_core.arbiter import Arbiter
from ratelord_core.errors import NotFound
from ratelord_core.model.caller import Caller
from ratelord_core.wire.faults import shown
from ratelord_core.wire.intent import ReportRequest, is_intent_id, report_of
from ratelord_mcp.identity import may_ask

NAME: Final = "report_usage"
OFFERS: Final = ("intent_id", "outcome", "actual_cost", "costs", "headers")
HINTS: Final = {
    "intent_id": "from ask_intent",
    "outcome": "cancelled: did not act",
    "actual_cost": "units it took",
    "headers": "of the provider",
}
DESCRIPTION: Final = (
    "Call once after every allowed action, whatever came of it: frees the rest. "
    "rate_limited: the provider said 429."
)


class ReportArguments(ReportRequest, frozen=True, kw_only=True):
    """A report with the intent it settles."""

    intent_id: str


class Settled(msgspec.Struct, frozen=True):
    """What a report did to one pool."""

    pool: str
    held: int
    settled: int


class Reported(msgspec.Struct, frozen=True):
    """What a report did."""

    settled: list[Settled]
    late: bool
    duplicate: bool
    alerts: list[str] = []


async def run(call: ToolCall) -> Reported:
    """Settle the intent."""
    return await settle(call.arbiter, call.arguments, call.caller)


async def settle(arbiter: Arbiter, told: ReportArguments, caller: Caller) -> Reported:
    """What a report does."""
    may_ask(caller)
    if not is_intent_id(told.intent_id):
        raise NotFound(
            f"no intent {shown(told.intent_id)}; use the intent_id that ask_intent answered"
        )
    view = await arbiter.report(told.intent_id, report_of(told), caller)
    settled = [
        Settled(f"{hold.provider_id}/{hold.pool_id}", hold.held, hold.settled)
        for hold in view.settled
    ]
    return Reported(settled, view.late, view.duplicate)


REPORT_USAGE: Final = AgentTool(
    name=NAME,
    description=DESCRIPTION,
    takes=ReportArguments,
    gives=Reported,
    run=run,
    read_only=False,
    hints=HINTS,
    offers=OFFERS,
)
