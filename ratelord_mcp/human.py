"""Asking the human behind a client: the question, and what the answer means."""

from __future__ import annotations

from typing import Any, Final

import msgspec

KEY: Final = "ratelord_override"
"""The name of our question among those that a client of the stateless era is asked."""


class Verdict(msgspec.Struct, frozen=True):
    """What the human said."""

    allow: bool
    reason: str = ""


NO: Final = Verdict(allow=False)


def can_ask(capabilities: Any) -> bool:
    """Whether a client of these capabilities can ask its human; one that can only open web pages
    cannot."""
    elicitation = _object(capabilities).get("elicitation")
    return isinstance(elicitation, dict) and (not elicitation or "form" in elicitation)


def question(agent: str, what: str, reason: str) -> dict[str, Any]:
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
    message = f"{agent} wants to {what}. {reason}. Allow it this once?"
    return {"message": message, "requestedSchema": schema}


def verdict(answer: Any) -> Verdict:
    """What an elicitation's result says; whatever is not a clear yes is a no."""
    said = _object(answer)
    content = _object(said.get("content"))
    if said.get("action") != "accept" or content.get("allow") is not True:
        return NO
    reason = content.get("reason")
    words = "".join(c for c in reason if c.isprintable()) if isinstance(reason, str) else ""
    return Verdict(allow=True, reason=words[:256])


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
