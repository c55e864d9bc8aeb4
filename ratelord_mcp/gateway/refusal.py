"""How a refused call looks to the model: what was decided, why, and when to come back."""

from __future__ import annotations

from typing import Any

import msgspec

from ratelord import Decision
from ratelord_core.errors import RatelordError
from ratelord_core.model.instant import Micros, from_seconds
from ratelord_core.wire.timestamp import read_timestamp, timestamp
from ratelord_mcp.gateway.messages import OWN


def refused(decision: Decision, name: str, now: Micros, *, structured: bool) -> dict[str, Any]:
    """The result of a tool that was not called. ``structured`` off: the tool promised a shape of
    its own for that, so the facts stand in ``_meta`` only."""
    facts = _facts(decision, now)
    when = facts["retry_at"]
    if decision.allowed:
        changes = msgspec.json.encode(decision.modifications).decode()
        text = f"{name} was not called: it is approved only if changed, {changes}. Change it."
        return _result(text, facts, structured=structured)
    step = (
        f"retry_at={when}: do not call it again before then; do other work meanwhile"
        if when
        else "calling it again will not help; change the request, or do other work"
    )
    text = f"{name} was not called. {decision.reason} ({decision.reason_code}). {step}."
    return _result(text, facts, structured=structured)


def only_waits(decision: Decision) -> bool:
    """Whether a gateway can do all that an approval asks for: it can wait, and nothing else."""
    changes = decision.modifications
    asked = (changes.identity_switch, changes.route, changes.protocol_switch, changes.max_cost)
    return changes.degrade is None and all(one is None for one in asked)


def unmapped(said: str, name: str) -> dict[str, Any]:
    """The result of a call of which nobody can say what it costs."""
    text = f"{name} was not called: {said}."
    return _result(text, {"allowed": False, "reason_code": "unmapped"}, structured=False)


def _result(text: str, facts: dict[str, Any], *, structured: bool) -> dict[str, Any]:
    made: dict[str, Any] = {
        "content": [{"type": "text", "text": text}],
        "isError": True,
        "_meta": {f"{OWN}decision": facts},
    }
    return made | ({"structuredContent": facts} if structured else {})


def _facts(decision: Decision, now: Micros) -> dict[str, Any]:
    seen, rule = decision.evaluation, decision.decided_by
    return {
        "decision": decision.decision,
        "allowed": decision.allowed,
        "reason_code": decision.reason_code,
        "reason": decision.reason,
        "intent_id": decision.intent_id or None,
        "retry_at": _retry_at(decision, now),
        "retry_after_seconds": decision.retry_after_seconds,
        "tightest_pool": None if seen is None else seen.tightest_pool,
        "decided_by": None if rule is None else {"policy_id": rule.policy_id, "rule": rule.rule},
        "modifications": msgspec.to_builtins(decision.modifications),
        "warnings": list(decision.warnings),
    }


def _retry_at(decision: Decision, now: Micros) -> str | None:
    if decision.retry_after_seconds is None:
        return None
    seen = decision.evaluation
    try:
        asked = now if seen is None or seen.as_of_ts is None else read_timestamp(seen.as_of_ts)
    except (ValueError, RatelordError):
        asked = now
    return timestamp(asked + from_seconds(decision.retry_after_seconds))
