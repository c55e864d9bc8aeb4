"""``plan_intents``: ask about a whole plan at once, and hold nothing."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ratelord_core.agent_tools import AgentTool, ToolCall
from ratelord_core.errors import FieldError, InvalidRequest
from ratelord_core.model.decision import Verdict
from ratelord_core.model.intent import Intent, Urgency
from ratelord_core.wire.faults import invalid
from ratelord_core.wire.intent import IntentRequest, intent_of
from ratelord_mcp.identity import agent_of, identity_of

LONGEST: Final = 100
"""Steps of a plan."""


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One action of the plan."""

    workload_id: str
    expected_cost: float | None = None
    urgency: Urgency | None = None
    max_wait_seconds: float | None = None


class PlanArguments(msgspec.Struct, frozen=True):
    """The plan of one agent in one scope, and of one run if ``client_context`` names it."""

    agent_id: str
    identity_id: str
    scope_id: str
    steps: list[Step]
    client_context: dict[str, Any] | None = None


class Planned(msgspec.Struct, frozen=True):
    """What would be answered to a step; ``step`` counts from 0."""

    step: int
    decision: Verdict
    start_at: str | None
    wait_seconds: float
    reason: str


class Plan(msgspec.Struct, frozen=True):
    """``order``: the steps that fit, by when they may start; ``misfits``: the others."""

    fits: bool
    order: list[int]
    misfits: list[int]
    steps: list[Planned]
    alerts: list[str] = []


async def run(call: ToolCall) -> Plan:
    """Rehearse."""
    asked: PlanArguments = call.arguments
    if not 1 <= len(asked.steps) <= LONGEST:
        message = f"{len(asked.steps)} steps; a plan has 1 to {LONGEST}"
        raise invalid((FieldError("steps", message),))
    identity_id = identity_of(call.caller, asked.identity_id) or asked.identity_id
    agent_id = agent_of(call.caller, asked.agent_id)
    intents = [
        _intent(index, step, agent_id, identity_id, asked) for index, step in enumerate(asked.steps)
    ]
    view = await call.arbiter.plan(intents, call.caller)
    steps = [
        Planned(step.index, step.decision, step.start_at, step.wait_seconds, step.reason)
        for step in view.steps
    ]
    return Plan(view.fits, list(view.order), list(view.misfits), steps)


def _intent(
    index: int, step: Step, agent_id: str, identity_id: str, asked: PlanArguments
) -> Intent:
    try:
        return intent_of(
            IntentRequest(
                agent_id,
                identity_id,
                step.workload_id,
                asked.scope_id,
                urgency=step.urgency,
                expected_cost=step.expected_cost,
                max_wait_seconds=step.max_wait_seconds,
                client_context=asked.client_context,
            )
        )
    except InvalidRequest as error:
        faults = tuple(
            FieldError(_place(index, fault.field), fault.message) for fault in error.fields
        )
        raise invalid(faults) from None


def _place(index: int, field: str) -> str:
    """Where a fault is: in the step, unless the field is the whole plan's."""
    return f"steps[{index}].{field}" if field in Step.__struct_fields__ else field


PLAN_INTENTS: Final = AgentTool(
    name="plan_intents",
    description=(
        "Rehearse many actions: start times, order, what does not fit. Holds nothing: ask_intent "
        "before each."
    ),
    takes=PlanArguments,
    gives=Plan,
    run=run,
    token_says=("agent_id", "identity_id"),
)
