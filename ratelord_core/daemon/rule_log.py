"""Logs every rule that was looked at, for those who want to watch a policy at work."""

from __future__ import annotations

import json
import logging

from ratelord_core.model.decision import Decision

_log = logging.getLogger(__name__)


def log_rules(decision: Decision) -> None:
    """One line for each rule of a decision's trace, and one for its outcome."""
    for step in decision.trace:
        outcome = f"held → {step.action}" if step.result else "did not hold"
        if step.reason and not step.result:
            outcome = step.reason
        _log.info(
            "%s rule %s/%s (%s): %s; %s; saw %s",
            decision.intent_id,
            step.policy_id,
            step.rule,
            step.level,
            outcome,
            step.condition,
            json.dumps(step.inputs, default=str),
        )
    _log.info("%s %s: %s", decision.intent_id, decision.decision, decision.reason)
