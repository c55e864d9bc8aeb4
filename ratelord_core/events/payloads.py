"""One frozen record per event type: what is written down, no more.

Spans and instants are µs. Nothing here holds a float, so that the stored bytes are canonical
JSON. New fields get a default; a field is never renamed, a changed meaning is a new version with
an upcaster.
"""

from __future__ import annotations

from typing import Any, ClassVar

from ratelord_core.events.intents import (
    HoldExpired,
    HoldExtended,
    IntentDecided,
    IntentReported,
    IntentSubmitted,
)
from ratelord_core.events.lines import PluginSeen
from ratelord_core.events.payload import Payload
from ratelord_core.model.identity import Identity
from ratelord_core.model.instant import Micros
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import Pool

__all__ = [  # what is defined elsewhere and belongs to the catalogue all the same
    "HoldExpired",
    "HoldExtended",
    "IntentDecided",
    "IntentReported",
    "IntentSubmitted",
    "Payload",
]


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


class SnapshotTaken(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """The state after the event ``position`` was kept. ``digest`` (SHA-256, hexadecimal) is that of
    the snapshot: one that the log does not name is not believed."""

    event_type: ClassVar[str] = "snapshot_taken"
    position: int
    digest: str
    size: int = 0


class ConfigLoaded(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """Everything of the configuration that shapes state, normalised; a replay needs nothing else.

    ``topology``, ``settings`` and ``pricing`` are canonical JSON texts (they hold fractions, which
    event content must not).
    """

    event_type: ClassVar[str] = "config_loaded"
    pools: tuple[Pool, ...] = ()
    topology: str = "{}"
    settings: str = "{}"
    pricing: str = "{}"
    source: str = ""


class PolicyUpdated(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """A policy came into force. ``document`` is its normalised text as canonical JSON; ``added``,
    ``removed`` and ``changed`` are what it does not share with the one before, by kind and id."""

    event_type: ClassVar[str] = "policy_updated"
    version: str
    source: str = ""
    document: str = "{}"
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


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


class ForecastCostComputed(Payload, frozen=True, omit_defaults=True, kw_only=True):
    """The runway of a budget changed: micro-USD spent and held, left, spent an hour at the present
    pace, and spent by the reset if it goes on like that (None: no reset is known). When it is used
    up, as likely as not and with 10 % probability at most (None: not before the reset)."""

    event_type: ClassVar[str] = "forecast_cost_computed"
    pool: str
    spent: int
    left: int
    per_hour: int
    projected: int | None = None
    used_up_p50: Micros | None = None
    used_up_p90: Micros | None = None
    reset_at: Micros | None = None


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
