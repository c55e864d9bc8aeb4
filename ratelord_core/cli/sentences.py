"""Decisions and settlements as one sentence each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ratelord_core.cli import words

if TYPE_CHECKING:
    from ratelord import Decision, Hold, Modifications, Settlement


_WAIT = re.compile(r"^wait [\d.]+ (s|min|h|ms): ")


def decision_sentence(decision: Decision, workload: str, *, dry_run: bool = False) -> str:
    """What was answered and why; with the intent's id, unless nothing was asked for real."""
    said = _allowed(decision, workload) if decision.allowed else _denied(decision)
    warned = "".join(f"; note: {words.plain(warning)}" for warning in decision.warnings)
    if dry_run:
        return f"If you asked now — {said}{warned}."
    return f"{said}{warned}" + (f" (intent {decision.intent_id})." if decision.intent_id else ".")


def settlement_sentence(settlement: Settlement) -> str:
    """What became of what was held."""
    lines = [
        f"{words.number(line.settled)} of {words.pool_name(_named(line))}"
        + (f" (held {words.number(line.held)})" if line.held != line.settled else "")
        for line in settlement.settled
    ]
    what = "Freed" if settlement.outcome == "cancelled" else "Settled"
    tail = " — it had been reported before" if settlement.duplicate else ""
    tail += ", after its hold had expired" if settlement.late else ""
    return f"{what}: {', '.join(lines) or 'nothing was held'}{tail}."


def _allowed(decision: Decision, workload: str) -> str:
    wait = decision.wait_seconds
    when = f"in {words.span(wait)}" if wait else "now"
    start = f" (at {words.time_of_day(decision.start_at)})" if wait and decision.start_at else ""
    head = "Approved" if decision.decision == "approve" else "Approved with changes"
    changes = _changes(decision.modifications)
    why = f", because {clause(decision.reason)}" if decision.decision != "approve" else ""
    held = ", ".join(_hold(hold) for hold in decision.holds)
    return (
        f"{head}: {words.plain(workload)} may start {when}{start}"
        + (f", {changes}" if changes else "")
        + why
        + (f"; held: {held}" if held else "")
    )


def _denied(decision: Decision) -> str:
    reason = clause(decision.reason)
    again = decision.retry_after_seconds
    return f"Denied ({decision.reason_code}): {reason}" + (
        f"; ask again in {words.span(again)}" if again else ""
    )


def clause(reason: str) -> str:
    """A reason as part of a sentence, which says itself how long the wait is."""
    return _WAIT.sub("", words.plain(reason).strip().rstrip("."))


def _changes(changes: Modifications) -> str:
    said = []
    if changes.identity_switch:
        said.append(f"as identity {words.plain(changes.identity_switch)}")
    if changes.route:
        parts = (f"{key} {value}" for key, value in sorted(changes.route.items()))
        said.append(f"through {words.plain(', '.join(parts))}")
    if changes.protocol_switch:
        said.append(f"over {words.plain(changes.protocol_switch)}")
    if changes.max_cost is not None:
        said.append(f"for at most {words.number(changes.max_cost)}")
    if changes.degrade:
        said.append(f"reduced to {words.plain(changes.degrade)}")
    return ", ".join(said)


def _hold(hold: Hold) -> str:
    return (
        f"{words.number(hold.units)} of {words.pool_name(_named(hold))}, "
        f"{words.number(hold.remaining)} left"
    )


def _named(line: object) -> dict[str, str]:
    return {name: getattr(line, name) for name in ("provider_id", "pool_id")}
