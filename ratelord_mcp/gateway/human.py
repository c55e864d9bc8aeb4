"""Asking the human behind the client, in either era."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ratelord import Decision
from ratelord_mcp.gateway.messages import CLIENT_CAPABILITIES, Message, mapping

KEY: Final = "ratelord_override"
"""The name of our question among those that a client of the stateless era is asked."""


class Verdict(msgspec.Struct, frozen=True):
    """What the human said."""

    allow: bool
    reason: str = ""


NO: Final = Verdict(allow=False)


def can_ask(call: Message, greeted: dict[str, Any]) -> bool:
    """Whether the client can ask its human: by what a request says of it, or it said when it
    greeted. One that can only open web pages cannot."""
    said = call.meta.get(CLIENT_CAPABILITIES) if call.is_modern else greeted
    elicitation = mapping(said).get("elicitation")
    return isinstance(elicitation, dict) and (not elicitation or "form" in elicitation)


def question(decision: Decision, name: str, agent: str, *, modern: bool) -> dict[str, Any]:
    """The parameters of ``elicitation/create``."""
    properties = {
        "allow": {
            "type": "boolean",
            "title": "Allow it this once",
            "description": "Other rules and every limit still bind.",
        },
        "reason": {"type": "string", "title": "Why", "description": "Goes into the log."},
    }
    schema = {"type": "object", "properties": properties, "required": ["allow"]}
    asked = {
        "message": f"{agent} wants to call {name}, which a rule denies: {decision.reason}. "
        "Allow it this once?",
        "requestedSchema": schema,
    }
    return {"mode": "form", **asked} if modern else asked


def verdict(answer: Any) -> Verdict:
    """What an elicitation's result says; whatever is not a clear yes is a no."""
    said = mapping(answer)
    content = mapping(said.get("content"))
    if said.get("action") != "accept" or content.get("allow") is not True:
        return NO
    reason = content.get("reason")
    words = "".join(c for c in reason if c.isprintable()) if isinstance(reason, str) else ""
    return Verdict(allow=True, reason=words[:256])
