"""``explain_decision``: why, as a short story."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ratelord_core.agent_tools import AgentTool, ToolCall
from ratelord_core.errors import NotFound
from ratelord_core.wire.faults import shown
from ratelord_core.wire.intent import is_intent_id

LONGEST: Final = 40
"""Sentences of a story; rules that did not hold are left out first."""


class ExplainArguments(msgspec.Struct, frozen=True):
    """The intent."""

    intent_id: str


class Story(msgspec.Struct, frozen=True):
    """What happened, a sentence each."""

    story: list[str]
    alerts: list[str] = []


async def run(call: ToolCall) -> Story:
    """Tell."""
    asked: ExplainArguments = call.arguments
    if not is_intent_id(asked.intent_id):
        raise _nobody(asked.intent_id)
    found = await call.arbiter.explain(asked.intent_id)
    if call.caller.role == "agent" and _asker(found) != call.caller.identity_id:
        raise _nobody(asked.intent_id)
    return Story(_short(found["story"]))


def _nobody(intent_id: str) -> NotFound:
    return NotFound(f"no intent {shown(intent_id)}; use the intent_id that ask_intent answered")


def _asker(found: dict[str, Any]) -> Any:
    intent = found.get("intent")
    return intent.get("identity_id") if isinstance(intent, dict) else None


def _short(story: list[str]) -> list[str]:
    if len(story) > LONGEST:
        story = [line for line in story if " did not hold: " not in line]
    return list(story[:LONGEST])


EXPLAIN_DECISION: Final = AgentTool(
    name="explain_decision",
    description="Why an intent was decided so, as a short story.",
    takes=ExplainArguments,
    gives=Story,
    run=run,
)
