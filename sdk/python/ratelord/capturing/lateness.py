"""Approvals that ran out before they could be used: a program that was kept from its call for long
must not make it, for what was held for it may have gone to others."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from ratelord.decision import Decision

MOST_ANSWERS: Final = 10
"""Answers in a row that may run out, or be asked for anew, before the call is given up."""
_IN_TIME: Final = 0.5
"""The share of an approval's life in which the call is to be made: the rest is for its way."""


def ran_out(decision: Decision, elapsed: float) -> bool:
    """Whether it is too late to act, so many seconds (waits included) after the question."""
    began = decision.evaluation.as_of_ts if decision.evaluation else None
    if not decision.allowed or decision.valid_until is None or began is None:
        return False
    ends = datetime.fromisoformat(decision.valid_until) - datetime.fromisoformat(began)
    lives = ends.total_seconds() - decision.wait_seconds
    return elapsed > decision.wait_seconds + lives * _IN_TIME


def too_late(decision: Decision) -> Decision:
    """The refusal that an approval becomes which ran out."""
    return msgspec.structs.replace(
        decision,
        decision="deny_with_reason",
        status="deny_with_reason",
        allowed=False,
        reason_code="too_late",
        reason="this machine is too busy: approvals run out before they can be used",
        retry_after_seconds=1.0,
        holds=(),
        start_at=None,
        valid_until=None,
    )
