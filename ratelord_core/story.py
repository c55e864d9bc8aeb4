"""Tells a decision as a short story: who asked, what bound, what was answered, what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ratelord_core.engine.answering import span_text
from ratelord_core.model.decision import Decision, TraceStep
from ratelord_core.model.instant import to_text

_ANSWERS = {
    "approve": "It was approved as asked.",
    "approve_with_modifications": "It was approved, with changes.",
    "deny_with_reason": "It was denied.",
}


def told(
    intent: dict[str, Any],
    decision: Decision,
    report: dict[str, Any] | None,
    overrides: Sequence[dict[str, Any]] = (),
) -> list[str]:
    """The story, a sentence a line."""
    what = f"do {intent['workload_id']} in {intent['scope_id']} as {intent['identity_id']}"
    asked = f"{intent['agent_id']} asked at {intent['asked_at']} to {what}"
    lines = [f"{asked} ({intent['urgency']} urgency)."]
    lines += [
        f"It draws {line.units} from {line.pool}, which then had {line.remaining} left."
        for line in decision.holds
    ]
    lines += _risk(decision)
    lines += [_rule(step) for step in decision.trace]
    lines.append(
        f"{_ANSWERS[decision.decision]} Reason ({decision.reason_code}): {decision.reason}."
    )
    lines += _terms(decision)
    lines += [f"Warning: {warning}." for warning in decision.warnings]
    lines.append(_ending(decision, report))
    lines += [_override(each) for each in overrides]
    return lines


def along(path: dict[str, Any] | None) -> list[str]:
    """How the graph leads from the question to what binds it."""
    if path is None:
        return []
    pools = [
        each["pool"] + ("" if each["consumes"] is None else f" ({each['consumes']:g} a call)")
        for each in path["pools"]
    ]
    scopes = " → ".join(path["scopes"])
    return [f"The graph leads to {', '.join(pools) or 'no pool'}; scopes {scopes}."]


def enough(nearest: dict[str, Any]) -> list[str]:
    """What would have got an approval, in a sentence that says for which moment that holds."""
    changes = [each["text"] for each in nearest["changes"]]
    when = f"asked again of the state at {nearest['as_of']}, with nobody else asking"
    if not changes:
        return [f"What would have been enough ({when}): {nearest['note']}."]
    return [f"It would have been approved {', or '.join(changes)} ({when})."]


def _rule(step: TraceStep) -> str:
    held = "held" if step.result else "did not hold"
    done = f" → {step.action}" if step.result else ""
    condition = step.condition or "condition not kept"
    again = f", for the {step.way.replace('_', ' ')}" if step.way else ""
    name = f"{step.policy_id}/{step.rule} ({step.level}{again})"
    return f"Rule {name} {held}: {condition}{_saw(step.inputs)}{done}."


def _saw(inputs: dict[str, Any]) -> str:
    if not inputs:
        return ""
    seen = (f"{name} = {_shown(value)}" for name, value in inputs.items())
    return " with " + ", ".join(seen)


def _shown(value: Any) -> str:
    """A value that a rule saw; None stands for what never comes."""
    return "infinite" if value is None else str(value)


def _override(each: dict[str, Any]) -> str:
    """Who set the rule aside, and what was decided without it."""
    why = f" ({each['reason']})" if each["reason"] else ""
    came = "approved" if each["allowed"] else "denied all the same"
    rule = f"{each['policy_id']}/{each['rule']}"
    return (
        f"{each['by']} overrode rule {rule} at {each['at']}{why}: "
        f"{came}, as intent {each['decided']}."
    )


def _risk(decision: Decision) -> list[str]:
    risk = decision.risk
    if risk is None:
        return []
    percent = risk.p_exhaustion / 10_000
    bound = "" if risk.tte_p90 is None else f", 90 % sure to last {risk.tte_p90 / 1000:.3g} s"
    return [f"The forecast for {risk.pool} with it: {percent:.3g} % risk of running dry{bound}."]


def _terms(decision: Decision) -> list[str]:
    if not decision.allowed:
        if decision.retry_after is None:
            return []
        return [f"Asking again makes sense in {span_text(decision.retry_after)}."]
    if decision.start_at is None or decision.valid_until is None:
        return []
    return [f"It may start at {to_text(decision.start_at)}, until {to_text(decision.valid_until)}."]


def _ending(decision: Decision, report: dict[str, Any] | None) -> str:
    if report is not None:
        costs = ", ".join(f"{units} from {pool}" for pool, units in report["settled"].items())
        late = ", late" if report["late"] else ""
        what = f"{report['outcome']}, {costs or 'no units'}"
        return f"Reported at {report['reported_at']}{late}: {what}."
    return "It has not been reported." if decision.allowed else "Nothing was held."
