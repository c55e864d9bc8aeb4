"""One frozen record per event type: what is written down, no more.

Spans and instants are µs. Nothing here holds a float, so that the stored bytes are canonical
JSON. New fields get a default; a field is never renamed, a changed meaning is a new version with
an upcaster.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from ratelord_core.events.lines import HeldLine, PluginSeen
from ratelord_core.model.identity import Identity
from ratelord_core.model.instant import Micros
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import Pool


class Payload(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What happened. ``event_type`` names it on disk and on the wire."""

    event_type: ClassVar[str]
    schema_version: ClassVar[int] = 1


class SystemStarted(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """A daemon took charge of the log."""

    event_type: ClassVar[str] = "system_started"
    version: str
    plugins: tuple[PluginSeen, ...] = ()
    recovered_seq: int = 0


class SystemStopped(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """The daemon let go of the log in good order."""

    event_type: ClassVar[str] = "system_stopped"
    reason: str = "signal"


class ConfigLoaded(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """Everything of the configuration that shapes state, normalised; a replay needs nothing else.

    ``topology`` and ``settings`` are canonical JSON texts of ``Topology`` and ``Settings`` (they
    hold fractions, which event content must not).
    """

    event_type: ClassVar[str] = "config_loaded"
    pools: tuple[Pool, ...] = ()
    topology: str = "{}"
    settings: str = "{}"
    source: str = ""


class PolicyUpdated(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """A policy came into force. ``document`` is its normalised text as canonical JSON."""

    event_type: ClassVar[str] = "policy_updated"
    version: str
    source: str = ""
    document: str = "{}"


class PolicyRejected(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """A policy was refused; the one before stays in force."""

    event_type: ClassVar[str] = "policy_rejected"
    source: str = ""
    errors: tuple[str, ...] = ()


class PolicyTriggered(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """A rule began to bind."""

    event_type: ClassVar[str] = "policy_triggered"
    policy_id: str
    rule: str
    action: str
    reason: str = ""


class PolicyOverridden(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """A human allowed once what a rule had denied; correlated with the denied intent.

    ``by`` is who, as the door knows or was told; ``decided`` the intent that was then decided
    without the rule, ``allowed`` what came of it: other rules and the ledger go on to bind.
    """

    event_type: ClassVar[str] = "policy_overridden"
    policy_id: str
    rule: str
    by: str
    reason: str = ""
    decided: str
    allowed: bool


class IdentityRegistered(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """An identity became known."""

    event_type: ClassVar[str] = "identity_registered"
    identity: Identity


class IdentityChange(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """What the identity's life-cycle events share."""

    event_type: ClassVar[str] = ""
    identity_id: str
    reason: str = ""


class IdentityRotated(IdentityChange, frozen=True, omit_defaults=True, kw_only=True):
    """An identity got a new token, a new secret, or both. ``overlap``: the old token stays good."""

    event_type: ClassVar[str] = "identity_rotated"
    token_hash: str | None = None
    token_fingerprint: str | None = None
    secret_ref: str | None = None
    overlap: Micros = 0


class IdentityRevoked(IdentityChange, frozen=True, omit_defaults=True, kw_only=True):
    """An identity may do nothing any more."""

    event_type: ClassVar[str] = "identity_revoked"


class IdentityQuarantined(IdentityChange, frozen=True, omit_defaults=True, kw_only=True):
    """An identity may do nothing until it is restored."""

    event_type: ClassVar[str] = "identity_quarantined"


class IdentityRestored(IdentityChange, frozen=True, omit_defaults=True, kw_only=True):
    """A quarantine ended."""

    event_type: ClassVar[str] = "identity_restored"


class ProviderPollObserved(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """A poll succeeded. ``state`` is the provider's own memory, opaque, kept across restarts."""

    event_type: ClassVar[str] = "provider_poll_observed"
    provider_id: str
    plugin: str
    plugin_version: str
    dated: Micros
    observations: tuple[Observation, ...] = ()
    state: str = ""
    next_poll: Micros | None = None


class ProviderError(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """A poll failed. ``kind``: timeout, unreachable, unauthorized, forbidden, rate_limited,
    server_error, malformed, plugin."""

    event_type: ClassVar[str] = "provider_error"
    provider_id: str
    plugin: str
    plugin_version: str
    kind: str
    detail: str = ""
    failures: int = 1
    next_poll: Micros | None = None


class ProviderStateChanged(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """A provider's health turned: healthy, degraded, open (circuit)."""

    event_type: ClassVar[str] = "provider_state_changed"
    provider_id: str
    before: str
    after: str
    reason: str = ""


class ConstraintObserved(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """A pool appeared, or its limit, unit or window changed, by what its provider says."""

    event_type: ClassVar[str] = "constraint_observed"
    pool: Pool


class UsageObserved(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """Numbers reached us in passing: response headers, a proxy, a sidecar."""

    event_type: ClassVar[str] = "usage_observed"
    observation: Observation
    origin: str = "observation"


class ResetObserved(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """A window ended; ``used`` is what had been used in it."""

    event_type: ClassVar[str] = "reset_observed"
    pool: str
    used: int = 0
    reset_at: Micros
    next_reset_at: Micros | None = None


class DriftDetected(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """The provider's number lies outside what the ledger can explain; the ledger adopted it."""

    event_type: ClassVar[str] = "drift_detected"
    pool: str
    expected_low: int
    expected_high: int
    observed: int
    distance: int


class ForecastComputed(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """A pool's forecast changed: times in ms (None = beyond the reset), p in millionths."""

    event_type: ClassVar[str] = "forecast_computed"
    pool: str
    model_id: str
    model_version: str
    p_exhaustion: int
    tte_p50: int | None = None
    tte_p90: int | None = None
    tte_p99: int | None = None
    ttr: int | None = None
    risk_level: str = "ok"


class IntentSubmitted(Payload, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """A question was asked. Its event id is the intent's id.

    ``key`` is a digest of agent and idempotency key, ``body`` one of the question.
    """

    event_type: ClassVar[str] = "intent_submitted"
    urgency: str = "normal"
    expected_cost: str = ""
    costs: dict[str, str] = {}
    provider_id: str | None = None
    pool_id: str | None = None
    model: str | None = None
    duration: Micros | None = None
    max_wait: Micros | None = None
    renews: str | None = None
    key: str = ""
    body: str = ""


class IntentDecided(Payload, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """An answer was given. Spans count from ``ts_event``; ``start`` is the wait, ``valid`` the last
    moment to begin (0 = when the first of its holds expires). Enough is here to give the same
    answer again, and to replay its holds.

    ``risk`` is the forecast it saw: (p in millionths, TTE p50, p90, p99 in ms), cut off where the
    rest lies beyond the reset; ``tightest`` is its pool (its hold's place, else its key), ``ttr``
    (ms) that pool's time to reset where no hold tells it. ``looked``, ``held`` and ``saw`` are the
    rules that were looked at, see ``policy.trace``, and what only they tell of what they saw."""

    event_type: ClassVar[str] = "intent_decided"
    decision: str = "approve"
    reason_code: str = "ok"
    reason: str = ""
    start: Micros = 0
    valid: Micros = 0
    holds: tuple[HeldLine, ...] = ()
    modifications: dict[str, Any] = {}
    decided_by: tuple[str, str] | None = None
    overridable: bool = False
    warnings: tuple[str, ...] = ()
    retry_after: Micros | None = None
    risk: tuple[int | None, ...] = ()
    tightest: int | str = 0
    ttr: int | None = None
    looked: str = ""
    held: dict[str, str] = {}
    saw: dict[str, Any] = {}
    alternatives: tuple[dict[str, Any], ...] = ()

    @property
    def until(self) -> Micros:
        """The last moment to begin, counted from ``ts_event``."""
        return self.valid or self.start + min([line.lifetime for line in self.holds], default=0)


class IntentReported(Payload, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """An action's cost became known; ``settled`` are (pool, units) as the ledger took them.
    ``learn``: the costs were told, so the workload's estimates may learn from them, except in the
    pools for which they were ``assumed``."""

    event_type: ClassVar[str] = "intent_reported"
    outcome: str = "success"
    settled: tuple[tuple[str, int], ...] = ()
    learn: bool = False
    assumed: tuple[str, ...] = ()
    late: bool = False
    body: str = ""


class HoldExtended(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """A hold lives longer; the new end is absolute."""

    event_type: ClassVar[str] = "hold_extended"
    intent_id: str
    expires_at: Micros


class HoldExpired(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """Holds ended unreported, each (intent id, pool, units, when)."""

    event_type: ClassVar[str] = "hold_expired"
    expired: tuple[tuple[str, str, int, Micros], ...]


class ThrottleAdvised(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """A pool's risk got worse: whoever draws from it should slow down."""

    event_type: ClassVar[str] = "throttle_advised"
    kind: str
    target: str
    until: Micros | None = None
    rationale: str = ""
    risk_level: str = "warn"


class SystemStatusChanged(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """The system as a whole turned: ok, warning, critical."""

    event_type: ClassVar[str] = "system_status_changed"
    before: str
    after: str
    risk_score: int = 0
    degraded: bool = False


class Unknown(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """An event that a newer peer wrote: carried through untouched."""

    event_type: ClassVar[str] = ""
    content: dict[str, Any]
