"""A decision: the answer to an intent, with its reasons."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from ratelord_core.model.instant import Micros

Verdict = Literal["approve", "approve_with_modifications", "deny_with_reason"]
ReasonCode = Literal[
    "ok",
    "policy",
    "pool_exhausted",
    "risk_too_high",
    "budget_exceeded",
    "wait_too_long",
    "identity_revoked",
    "identity_quarantined",
    "identity_unknown",
    "provider_degraded",
    "forecast_stale",
    "daemon_unreachable",
]
"""The last is said by those who stand in for a daemon that does not answer; it is never logged."""


class HoldLine(msgspec.Struct, frozen=True, gc=False):
    """One pool's part of a hold. ``remaining`` is what was available after placing it."""

    pool: str
    units: int
    remaining: int
    reset_at: Micros | None
    expires_at: Micros


class Risk(msgspec.Struct, frozen=True, gc=False):
    """The forecast that the decision saw, rounded to what is logged.

    ``p_exhaustion`` in millionths; times in milliseconds, None = beyond the reset (or unknown).
    """

    pool: str
    p_exhaustion: int
    tte_p50: int | None
    tte_p90: int | None
    tte_p99: int | None
    ttr: int | None


class DecidedBy(msgspec.Struct, frozen=True, omit_defaults=True):
    """The rule that decided. ``overridable``: a human may allow once what it denied."""

    policy_id: str
    rule: str
    overridable: bool = False


class TraceStep(msgspec.Struct, frozen=True):
    """One rule that was looked at, with the values that it saw; ``way`` is the modification for
    which it was looked at once more, "" = as asked."""

    policy_id: str
    rule: str
    rule_index: int
    level: str
    condition: str
    inputs: dict[str, Any]
    result: bool
    action: str
    reason: str
    way: str = ""


class Modifications(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the asker must change to be safe; empty when it may act as it asked."""

    wait: Micros = 0
    identity_switch: str | None = None
    route: dict[str, str] | None = None
    protocol_switch: str | None = None
    max_cost: int | None = None
    degrade: str | None = None


UNCHANGED = Modifications()
"""Go ahead as you asked."""


class Decision(msgspec.Struct, frozen=True, gc=False):
    """The whole answer. It stands in the log before anybody sees it.

    ``start_at`` is the earliest instant at which the action may begin, ``valid_until`` the last.
    ``retry_after`` (µs) goes with denials: asking again sooner is useless.
    """

    intent_id: str
    decision: Verdict
    reason_code: ReasonCode
    reason: str
    as_of: Micros
    start_at: Micros | None = None
    valid_until: Micros | None = None
    modifications: Modifications = UNCHANGED
    holds: tuple[HoldLine, ...] = ()
    decided_by: DecidedBy | None = None
    warnings: tuple[str, ...] = ()
    retry_after: Micros | None = None
    risk: Risk | None = None
    policy_version: str = ""
    alternatives: tuple[dict[str, Any], ...] = ()
    trace: tuple[TraceStep, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the asker may act (after its modifications)."""
        return self.decision != "deny_with_reason"
