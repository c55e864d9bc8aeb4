"""A decision and the event that records it are two forms of one thing.

The answer that is sent is always read from what is written down, so the same event gives the same
answer again: for a repeated key, for ``explain``, after a restart.
"""

from __future__ import annotations

from typing import Any, cast

import msgspec

from ratelord_core.events.payloads import HeldLine, IntentDecided, SeenRisk, SeenRule
from ratelord_core.model.config import Document
from ratelord_core.model.decision import (
    DecidedBy,
    Decision,
    HoldLine,
    Modifications,
    ReasonCode,
    Risk,
    TraceStep,
    Verdict,
)
from ratelord_core.model.instant import SECOND, Micros

_FRACTION = "~"
"""Marks a fraction that is written as text, because event content holds no floats."""


def decision_of(intent_id: str, at: Micros, e: IntentDecided) -> Decision:
    """The answer that an event records."""
    allowed = e.decision != "deny_with_reason"
    return Decision(
        intent_id=intent_id,
        decision=cast("Verdict", e.decision),
        reason_code=cast("ReasonCode", e.reason_code),
        reason=e.reason or _plain_reason(e),
        as_of=at,
        start_at=at + e.start if allowed else None,
        valid_until=at + e.until if allowed else None,
        modifications=_modifications(e),
        holds=tuple(_hold_line(line, at, at + e.start) for line in e.holds),
        decided_by=DecidedBy(*e.decided_by) if e.decided_by else None,
        warnings=e.warnings,
        retry_after=e.retry_after,
        risk=_risk(e),
        policy_version=e.policy,
        alternatives=e.alternatives,
        trace=tuple(trace_step(rule) for rule in e.trace),
    )


def _plain_reason(e: IntentDecided) -> str:
    if not e.holds:
        return "approved: this action draws from no pool"
    line = min(e.holds, key=lambda line: line.remaining)
    return f"approved: {line.remaining} left in {line.pool}"


def _modifications(e: IntentDecided) -> Modifications:
    wait = e.start if e.decision == "approve_with_modifications" else 0
    return Modifications(wait=wait, **e.modifications)


def _hold_line(line: HeldLine, at: Micros, start: Micros) -> HoldLine:
    reset_at = None if line.reset_in < 0 else at + line.reset_in
    return HoldLine(line.pool, line.units, line.remaining, reset_at, start + line.lifetime)


def _risk(e: IntentDecided) -> Risk | None:
    seen = e.risk
    if seen is None:
        return None
    pool = seen.pool or (e.holds[0].pool if e.holds else "")
    return Risk(pool, seen.p_exhaustion, seen.tte_p50, seen.tte_p90, seen.tte_p99, seen.ttr)


def seen_risk(risk: Risk | None, holds: tuple[HeldLine, ...]) -> SeenRisk | None:
    """A risk as it is recorded: the first hold's pool goes without saying."""
    if risk is None:
        return None
    pool = "" if holds and holds[0].pool == risk.pool else risk.pool
    return SeenRisk(pool, risk.p_exhaustion, risk.tte_p50, risk.tte_p90, risk.tte_p99, risk.ttr)


def seen_rule(step: TraceStep) -> SeenRule:
    """A trace step as it is recorded; the condition's text stands in the policy."""
    inputs = {name: _written(value) for name, value in step.inputs.items()}
    return SeenRule(
        step.policy_id,
        step.rule,
        step.rule_index,
        step.level,
        step.action,
        step.result,
        step.reason,
        inputs,
    )


def trace_step(rule: SeenRule, condition: str = "") -> TraceStep:
    """A recorded rule as a trace step."""
    return TraceStep(
        rule.policy_id,
        rule.rule,
        rule.rule_index,
        rule.level,
        condition,
        {name: _read(value) for name, value in rule.inputs.items()},
        rule.result,
        rule.action,
        rule.reason,
    )


def _written(value: Any) -> Any:
    if isinstance(value, float):
        return f"{_FRACTION}{value:.6g}"
    if isinstance(value, dict):
        return {name: _written(inner) for name, inner in value.items()}
    return value


def _read(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FRACTION):
        return float(value[1:])
    if isinstance(value, dict):
        return {name: _read(inner) for name, inner in value.items()}
    return value


def conditions_of(document: Document) -> dict[tuple[str, int], str]:
    """The text of every rule's condition, by (policy id, rule index)."""
    return {
        (policy.id, number): rule.condition
        for policy in document.policies
        for number, rule in enumerate(policy.rules)
    }


def with_conditions(decision: Decision, conditions: dict[tuple[str, int], str]) -> Decision:
    """The decision with the text of every rule's condition, by (policy id, rule index)."""
    trace = tuple(
        msgspec.structs.replace(
            step, condition=conditions.get((step.policy_id, step.rule_index), step.condition)
        )
        for step in decision.trace
    )
    return msgspec.structs.replace(decision, trace=trace)


def span_text(span: Micros) -> str:
    """A span for people: ``2.5 s``, ``3 min``."""
    if span < 0:
        return "0 s"
    if span < 120 * SECOND:
        return f"{span / SECOND:.3g} s"
    return f"{span / (60 * SECOND):.3g} min"
