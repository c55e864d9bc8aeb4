"""The daemon's answers as frozen records that mirror the wire, field by field."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Verdict = Literal["approve", "approve_with_modifications", "deny_with_reason"]
OnUnreachable = Literal["deny", "allow"]
Outcome = Literal["success", "error", "rate_limited", "cancelled"]

WITHOUT_DAEMON = frozenset({"daemon_unreachable", "upstream_error"})
"""Reason codes of decisions that the client made itself, because no answer could be had."""


class Modifications(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the asker must change to be safe. The client itself applies ``wait_seconds``; for the
    others the agent registers callbacks, see ``Client.on``."""

    wait_seconds: float = 0.0
    identity_switch: str | None = None
    route: dict[str, str] | None = None
    protocol_switch: str | None = None
    max_cost: float | None = None
    degrade: str | None = None


class Hold(msgspec.Struct, frozen=True):
    """One pool's part of what was set aside for the action."""

    provider_id: str
    pool_id: str
    units: int
    remaining: int
    reset_at: str | None = None
    expires_at: str | None = None


class DecidedBy(msgspec.Struct, frozen=True):
    """The policy rule that decided. ``overridable``: a human may allow once what it denied."""

    policy_id: str
    rule: str
    overridable: bool = False


class Risk(msgspec.Struct, frozen=True):
    """The forecast that the decision saw; a time that is None lies beyond the reset."""

    p_exhaustion: float | None = None
    tte_p50_seconds: float | None = None
    tte_p90_seconds: float | None = None
    tte_p99_seconds: float | None = None
    ttr_seconds: float | None = None


class Evaluation(msgspec.Struct, frozen=True):
    """What the decision was based on."""

    as_of_ts: str | None = None
    policy_version: str | None = None
    risk_summary: str | None = None
    tightest_pool: str | None = None
    risk: Risk | None = None


class Decision(msgspec.Struct, frozen=True):
    """The answer to an intent. It is true (``if decision:``) exactly when the action may go ahead.

    Timestamps are RFC 3339 text. ``retry_after_seconds`` goes with denials.
    """

    intent_id: str
    decision: Verdict
    allowed: bool
    reason_code: str
    reason: str
    status: str = ""
    modifications: Modifications = Modifications()
    start_at: str | None = None
    alternatives: tuple[dict[str, Any], ...] = ()
    decided_by: DecidedBy | None = None
    warnings: tuple[str, ...] = ()
    retry_after_seconds: float | None = None
    valid_until: str | None = None
    holds: tuple[Hold, ...] = ()
    evaluation: Evaluation | None = None
    trace: tuple[dict[str, Any], ...] = ()

    def __post_init__(self) -> None:
        # An answer that contradicts itself is no answer: it must not admit anything.
        if self.allowed != (self.decision != "deny_with_reason"):
            raise ValueError(f"allowed is {self.allowed} but the decision is {self.decision}")

    def __bool__(self) -> bool:
        return self.allowed

    @property
    def wait_seconds(self) -> float:
        """Seconds to wait, from the moment of the answer, before acting."""
        return self.modifications.wait_seconds

    @property
    def overridable(self) -> bool:
        """Whether a human may allow this after all: see ``Client.override``."""
        return not self.allowed and self.decided_by is not None and self.decided_by.overridable

    @property
    def synthetic(self) -> bool:
        """Whether the client made this decision itself, because the daemon gave no answer."""
        return not self.intent_id and self.reason_code in WITHOUT_DAEMON

    def as_wire(self) -> dict[str, Any]:
        """The decision as the plain JSON object of the wire."""
        wire: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return wire


class SettledHold(msgspec.Struct, frozen=True):
    """One pool's part of a settled intent: what was held, and what it became."""

    provider_id: str
    pool_id: str
    held: int
    settled: int


class Settlement(msgspec.Struct, frozen=True):
    """What a report did. ``duplicate``: the same report had been taken before."""

    intent_id: str
    outcome: str
    settled: tuple[SettledHold, ...] = ()
    late: bool = False
    duplicate: bool = False
    warnings: tuple[str, ...] = ()


class Extension(msgspec.Struct, frozen=True):
    """A hold's new end (RFC 3339)."""

    intent_id: str
    expires_at: str


class Observed(msgspec.Struct, frozen=True):
    """Which pools an observation changed."""

    accepted: int
    pools: tuple[str, ...] = ()


class Decisions(msgspec.Struct, frozen=True):
    """The answers of a batch, in the order of its questions."""

    decisions: tuple[Decision, ...]


class Registration(msgspec.Struct, frozen=True, omit_defaults=True):
    """A registered or rotated identity. ``token`` is there once, if the daemon generated it."""

    identity_id: str
    status: str
    event_id: str = ""
    token: str | None = None

    def __repr__(self) -> str:
        shown = "'…'" if self.token else "None"
        return (
            f"Registration(identity_id={self.identity_id!r}, status={self.status!r}, token={shown})"
        )
