"""An answer in the few words that are compared: as the log has it, or as a candidate gave it."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from ratelord_core.engine.answering import read_back
from ratelord_core.events.payloads import IntentDecided
from ratelord_core.model.instant import SECOND, Micros

Kind = Literal["denied", "approved", "routed", "delayed", "sooner", "otherwise", "same"]
"""What became of an answer: denied (was allowed), approved (was denied), routed (to be done in
another way), delayed or sooner, denied for another reason, the same."""

CHANGES: Final[tuple[Kind, ...]] = (
    "denied", "approved", "routed", "delayed", "sooner", "otherwise",
)  # fmt: skip
NOTICEABLE: Final[Micros] = SECOND // 20
"""Starts that differ by less than this are the same start."""


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What was answered: ``start`` is the wait in µs, ``cost`` micro-USD (-1: nobody knows)."""

    allowed: bool
    reason_code: str
    reason: str
    start: Micros
    rule: str
    changes: dict[str, Any]
    cost: int


def answer_of(e: IntentDecided) -> Answer:
    """The answer that an event records."""
    return Answer(
        e.decision != "deny_with_reason",
        e.reason_code,
        e.reason,
        e.start,
        "/".join(e.decided_by) if e.decided_by else "",
        read_back(e.modifications) if e.modifications else e.modifications,
        e.cost,
    )


def kind_of(before: Answer, after: Answer) -> Kind:
    """What became of an answer."""
    if before.allowed != after.allowed:
        return "approved" if after.allowed else "denied"
    if not after.allowed:
        same = (before.reason_code, before.rule) == (after.reason_code, after.rule)
        return "same" if same else "otherwise"
    if before.changes != after.changes:
        return "routed"
    later = after.start - before.start
    if -NOTICEABLE <= later <= NOTICEABLE:
        return "same"
    return "delayed" if later > 0 else "sooner"


def plain(answer: Answer) -> dict[str, Any]:
    """The answer as JSON values; spans in seconds."""
    word = "deny_with_reason"
    if answer.allowed:
        word = "approve_with_modifications" if answer.start or answer.changes else "approve"
    told: dict[str, Any] = {"decision": word, "reason_code": answer.reason_code}
    if answer.reason:
        told["reason"] = answer.reason
    if answer.allowed and answer.start:
        told["wait_seconds"] = answer.start / SECOND
    if answer.changes:
        told["modifications"] = answer.changes
    told["rule"] = answer.rule or None
    told["cost_microusd"] = None if answer.cost < 0 else answer.cost
    return told
