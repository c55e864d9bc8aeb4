"""What readers are shown, in wire form: timestamps as RFC 3339 text, spans in seconds.

Every door shows these records, so that HTTP, MCP and the command line cannot drift apart.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ratelord_core.model.forecast import Score


class ShareForecastView(msgspec.Struct, frozen=True):
    """Whose share of a pool a forecast is of (``null``: any), and what of it is theirs.

    ``available`` is what they could take now, ``burn_share`` their part (0 … 1) of what was asked
    for in the last window, ``p_alone`` the probability that their demand alone uses up what is
    available to them before the reset (``null``: the model failed).
    """

    agent_id: str | None
    identity_id: str | None
    scope_id: str | None
    available: int
    burn_share: float
    p_alone: float | None


class ForecastView(msgspec.Struct, frozen=True):
    """A pool's forecast; a ``null`` time means beyond the reset. ``ttr_seconds`` of a sliding
    window count until something comes back, those of a bucket until it would be full. ``score``
    is the track record of the pool's forecasts so far; ``null`` before the first of them settled.
    With a ``share`` it is of that share: its burn, and when there is nothing left for it, whoever
    took it."""

    provider_id: str
    pool_id: str
    tte_p50_seconds: float | None
    tte_p90_seconds: float | None
    tte_p99_seconds: float | None
    p_exhaustion: float
    ttr_seconds: float | None
    margin_seconds: float | None
    burn_rate: float
    burn_variance: float
    freshness_seconds: float
    risk_level: str
    model_id: str
    model_version: str
    as_of_ts: str
    score: Score | None = None
    share: ShareForecastView | None = None


class ShareView(msgspec.Struct, frozen=True):
    """How much of a pool's window one agent or identity used and holds."""

    id: str
    used: int
    held: int


class PoolView(msgspec.Struct, frozen=True):
    """A pool as it stands. ``available`` is never negative."""

    provider_id: str
    pool_id: str
    unit: str
    limit: int | None
    used: int
    held: int
    scheduled: int
    available: int
    window: dict[str, Any]
    reset_at: str | None
    observed_at: str | None
    staleness_seconds: float
    stale: bool
    local: bool
    risk_level: str
    forecast: ForecastView | None
    members: tuple[str, ...]
    shares: dict[str, tuple[ShareView, ...]]


class UsageView(msgspec.Struct, frozen=True):
    """What one combination of dimensions used of one pool in its present window."""

    provider_id: str
    pool_id: str
    agent_id: str
    identity_id: str
    scope_id: str
    used: int
    held: int


class IdentityView(msgspec.Struct, frozen=True):
    """An identity without anything secret."""

    identity_id: str
    kind: str
    status: str
    provider_id: str | None
    owner: str | None
    owner_kind: str | None
    role: str
    labels: dict[str, str]
    metadata: dict[str, str]
    credential_kind: str | None
    trust_level: str | None
    allowed_agents: tuple[str, ...]
    created_at: str
    last_active_at: str | None


class RegisteredView(msgspec.Struct, frozen=True, omit_defaults=True):
    """A fresh (or rotated) identity; ``token`` is there once, if it was made here."""

    identity_id: str
    status: str
    event_id: str
    token: str | None = None
    old_token_until: str | None = None


class EventView(msgspec.Struct, frozen=True):
    """An event as readers see it."""

    event_id: str
    seq: int
    event_type: str
    schema_version: int
    ts_event: str
    ts_ingest: str
    epoch: int
    source: dict[str, str]
    dimensions: dict[str, str]
    correlation: dict[str, str | None]
    payload: dict[str, Any]
    digest: str
    chain: str


class ProviderHealth(msgspec.Struct, frozen=True):
    """A provider account: healthy, degraded, open (circuit) or initializing."""

    provider_id: str
    plugin: str
    state: str
    last_success: str | None
    last_error: str | None
    failures: int
    next_poll: str | None
    headers_ignored: int = 0
    """Responses whose headers spoke of limits but made no sense, since the start."""
    clock_ahead_seconds: float | None = None
    """By how much the provider's clock is ahead of ours (negative: behind), if it compares them."""


class FailedModelView(msgspec.Struct, frozen=True):
    """A forecast model that fails for a pool, ``since`` when nothing is known of the pool's risk.
    What ``meanwhile`` becomes of it, what to do, and when the model is tried again."""

    pool: str
    model_id: str
    error: str
    since: str
    next_try: str
    meanwhile: str = "whatever draws from the pool is denied (forecast_stale)"
    next_step: str = "mend the plugin or choose another forecast_model, and start the daemon again"


class FailedControllerView(msgspec.Struct, frozen=True):
    """A delay controller that failed for a pool that a rule paces, since when, what becomes of it
    ``meanwhile``, and what to do."""

    pool: str
    policy_id: str
    rule: str
    algorithm: str
    error: str
    since: str | None
    meanwhile: str = "the pool goes on at the even pace (what is left by the time that is left)"
    next_step: str = (
        "mend the plugin, or name another algorithm in the rule; start the daemon again"
    )


class HealthView(msgspec.Struct, frozen=True):
    """How the daemon is. ``status``: ok, degraded, initializing or read_only."""

    status: str
    system_status: str
    risk_score: int
    degraded: bool
    version: str
    uptime_seconds: float
    role: str
    seq: int
    db_checkpoint_lag: int
    policy_version: str
    providers: dict[str, ProviderHealth]
    policy_error: str | None = None
    """Why the policy file as it stands is not in force."""
    failed_models: tuple[FailedModelView, ...] = ()
    failed_controllers: tuple[FailedControllerView, ...] = ()


class SettledHold(msgspec.Struct, frozen=True):
    """One pool's part of a settled intent."""

    provider_id: str
    pool_id: str
    held: int
    settled: int


class ReportView(msgspec.Struct, frozen=True):
    """What a report did. ``duplicate``: the same report had already been taken."""

    intent_id: str
    outcome: str
    settled: tuple[SettledHold, ...]
    late: bool
    duplicate: bool
    warnings: tuple[str, ...] = ()


class ExtendView(msgspec.Struct, frozen=True):
    """A hold's new end."""

    intent_id: str
    expires_at: str


class ObservedView(msgspec.Struct, frozen=True):
    """Which pools an observation changed."""

    accepted: int
    pools: tuple[str, ...]


class PolicyView(msgspec.Struct, frozen=True):
    """The policy in force, normalised."""

    version: str
    source: str
    document: dict[str, Any]


class PolicyFinding(msgspec.Struct, frozen=True):
    """One thing that is wrong with a policy document."""

    message: str
    line: int
    column: int
    path: str
    hint: str
    severity: str = "error"


class PolicyCheckView(msgspec.Struct, frozen=True):
    """Whether a document could come into force, and what in it is suspicious (``warnings``)."""

    valid: bool
    version: str | None
    errors: tuple[PolicyFinding, ...]
    warnings: tuple[PolicyFinding, ...] = ()


class PolicyReloadView(msgspec.Struct, frozen=True):
    """What a reload did; an unchanged file keeps its version. What was ``added``, ``removed`` and
    changed is named by kind and id: ``rule shedding/night``."""

    version: str
    previous: str
    changed: bool
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    what_changed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    """What the file says that is not so yet."""
