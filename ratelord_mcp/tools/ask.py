"""``ask_intent``: negotiate before acting."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from mcp import types

from ratelord_core.agent_tools import AgentTool
from ratelord_core.model.caller import Caller
from ratelord_core.model.decision import Decision, ReasonCode, Verdict
from ratelord_core.model.instant import SECOND
from ratelord_core.model.intent import Intent
from ratelord_core.wire.decision import modifications_view
from ratelord_core.wire.intent import IntentRequest, intent_of
from ratelord_core.wire.timestamp import optional_timestamp
from ratelord_mcp.alerts import Alerts
from ratelord_mcp.call import McpCall, WhenDenied
from ratelord_mcp.hearing import DECIDED, decide, free
from ratelord_mcp.identity import agent_of, identity_of, may_ask, speaks_for_itself

NAME: Final = "ask_intent"
OFFERS: Final = (
    "agent_id",
    "identity_id",
    "workload_id",
    "scope_id",
    "urgency",
    "expected_cost",
    "costs",
    "provider_id",
    "pool_id",
    "model",
    "duration_hint",
    "max_wait_seconds",
    "idempotency_key",
    "renews",
    "dry_run",
    "client_context",
)
HINTS: Final = {
    "agent_id": "your stable name",
    "identity_id": "credential to charge, else sentinel:unknown",
    "workload_id": "kind of work, e.g. repo_scan",
    "scope_id": "e.g. repo:acme/api or global",
    "expected_cost": "in units",
    "costs": "units by provider/pool",
    "max_wait_seconds": "0 = now or never",
    "idempotency_key": "same key, same answer",
    "renews": "earlier intent_id",
    "client_context": "run_id, task_id",
}
DESCRIPTION: Final = (
    "Ask BEFORE every rate-limited or paid action. allowed: wait wait_seconds, apply "
    "modifications, act before valid_until, then report_usage. Else do not act; ask again at "
    "retry_at, not sooner (null: change the request)."
)


class Answer(msgspec.Struct, frozen=True):
    """A decision, as short as an agent can act on."""

    decision: Verdict
    allowed: bool
    reason_code: ReasonCode
    reason: str
    intent_id: str
    wait_seconds: float
    retry_at: str | None
    tightest_pool: str | None
    remaining: int | None
    valid_until: str | None
    modifications: dict[str, Any]
    alerts: list[str] = []


def question(asked: IntentRequest, caller: Caller) -> Intent:
    """The intent that a model's arguments make, in the name of the caller."""
    may_ask(caller)
    if speaks_for_itself(caller):
        asked = msgspec.structs.replace(
            asked,
            identity_id=identity_of(caller, asked.identity_id),
            agent_id=agent_of(caller, asked.agent_id),
        )
    return intent_of(asked)


def told(decision: Decision) -> Answer:
    """A decision in the words of the tool."""
    tightest = decision.risk.pool if decision.risk is not None else None
    line = next((hold for hold in decision.holds if hold.pool == tightest), None)
    if line is None and decision.holds:
        line = min(decision.holds, key=lambda hold: hold.remaining)
    retry = decision.retry_after
    return Answer(
        decision.decision,
        decision.allowed,
        decision.reason_code,
        decision.reason,
        decision.intent_id,
        decision.modifications.wait / SECOND,
        None if retry is None else optional_timestamp(decision.as_of + retry),
        tightest or (line.pool if line is not None else None),
        None if line is None else line.remaining,
        optional_timestamp(decision.valid_until),
        modifications_view(decision.modifications),
    )


def noted(decision: Decision, intent: Intent, alerts: Alerts) -> Answer:
    """A decision in the words of the tool; which pools it was about is remembered."""
    answer = told(decision)
    pools = [line.pool for line in decision.holds]
    tightest = answer.tightest_pool
    if tightest is not None and tightest not in pools:
        pools.append(tightest)
    alerts.note(intent.agent_id, decision.intent_id, pools)
    return answer


def _decided(call: McpCall) -> Decision | None:
    """The decision, if the express lane left this call to us for the sake of what follows it."""
    request: Any = call.context.request
    found: Decision | None = None if request is None else request.scope.pop(DECIDED, None)
    return found


async def _is_gone(call: McpCall) -> bool:
    """Whether whoever asked over HTTP has hung up meanwhile."""
    request: Any = call.context.request
    return request is not None and bool(await request.is_disconnected())


def asking(
    when_denied: WhenDenied | None,
) -> Callable[[McpCall], Awaitable[Answer | types.InputRequiredResult]]:
    """What the tool does; ``when_denied`` may have the last word on a denial."""

    async def ask(call: McpCall) -> Answer | types.InputRequiredResult:
        intent = question(call.arguments, call.caller)
        decision = _decided(call) or await decide(call.arbiter, intent, call.caller)
        if decision.allowed and intent.idempotency_key is None and await _is_gone(call):
            await free(call.arbiter, decision, call.caller)
        if not decision.allowed and when_denied is not None:
            final = await when_denied(call, intent, decision)
            if isinstance(final, types.InputRequiredResult):
                return final
            decision = final
        return noted(decision, intent, call.alerts)

    return ask


def ask_intent(when_denied: WhenDenied | None = None) -> AgentTool:
    """The tool."""
    return AgentTool(
        name=NAME,
        description=DESCRIPTION,
        takes=IntentRequest,
        gives=Answer,
        run=asking(when_denied),
        read_only=False,
        hints=HINTS,
        token_says=("agent_id", "identity_id"),
        offers=OFFERS,
    )
