"""What a configuration declares, normalised: providers, pools, who is who, policies, settings."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from ratelord_core.model.identity import Identity
from ratelord_core.model.instant import HOUR, SECOND, Micros
from ratelord_core.model.pool import Pool, Share
from ratelord_core.model.window import Window


class ProviderConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """One account at one provider. ``plugin`` names the provider plugin; ``options`` are the keys
    that only that plugin understands (it checks them). A provider without ``identity`` is shared
    by all."""

    plugin: str
    id: str
    identity: str | None = None
    poll_interval: Micros | None = None
    secret_ref: str | None = None
    options: dict[str, Any] = {}


class PoolOverride(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the configuration says about a provider's pool; it beats what the provider reports.
    ``reserve`` and ``shares`` are as those of a pool."""

    key: str
    unit: str | None = None
    limit: int | None = None
    window: Window | None = None
    reserve: int | None = None
    shares: tuple[Share, ...] = ()


class WorkloadConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one call of a workload consumes (units by pool key), its smaller variants, and the
    workloads that do the same by another protocol."""

    consumes: dict[str, float] = {}
    degrade: tuple[str, ...] = ()
    protocols: dict[str, str] = {}


class AgentConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of an agent beforehand. ``weight`` is its share when a pool is contended;
    ``priority`` is for conditions to read."""

    role: str = ""
    weight: float = 1.0
    labels: dict[str, str] = {}
    priority: int = 0


class Topology(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the constraint graph is built from, beside the pools.

    ``scopes`` maps a scope (or a pattern ending in ``*``) to its parent. ``providers`` maps a
    provider id to its declared identity, None = shared by all.
    """

    identities: tuple[Identity, ...] = ()
    workloads: dict[str, WorkloadConfig] = {}
    scopes: dict[str, str] = {}
    agents: dict[str, AgentConfig] = {}
    providers: dict[str, str | None] = {}


class TimeWindow(msgspec.Struct, frozen=True, omit_defaults=True):
    """When a rule applies: minutes of the local day (end may be before start: over midnight),
    weekdays 0 = Monday (empty = all), an IANA time zone."""

    start_minute: int = 0
    end_minute: int = 1440
    days: tuple[int, ...] = ()
    timezone: str = "UTC"


class RuleConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """One rule: when ``condition`` (CEL) holds, do ``action`` with ``params``."""

    name: str
    action: str
    condition: str = "true"
    priority: int = 0
    params: dict[str, Any] = {}
    time_window: TimeWindow | None = None
    overridable: bool = False
    line: int = 0
    column: int = 0


class PolicyConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """A named set of rules on one scope: ``global``, a scope id, ``pool:…``, ``identity:…``,
    ``agent:…``. ``limit`` makes it a local pool as well."""

    id: str
    scope: str = "global"
    type: Literal["hard", "soft"] = "hard"
    limit: int | None = None
    limit_unit: str = "requests"
    limit_window: Window | None = None
    limit_per: str = ""
    limit_reserve: int | None = None
    rules: tuple[RuleConfig, ...] = ()
    line: int = 0


class ToolConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """What calls of some tools are to the arbiter: which work, where, at what cost.

    ``match`` is ``SERVER/TOOL``, ``*`` for any rest. A text of ``workload``, ``scope``,
    ``identity`` and ``model`` may have holes ``${…}``; ``when``, a text among the costs and
    ``duration`` are CEL, ``actual_…`` is CEL over the result as well. ``ask`` off: such calls pass.
    """

    match: str
    when: str = ""
    ask: bool = True
    workload: str = ""
    scope: str = ""
    identity: str = ""
    model: str = ""
    urgency: Literal["high", "normal", "background"] = "normal"
    provider_id: str | None = None
    pool_id: str | None = None
    expected_cost: float | str | None = None
    costs: dict[str, float | str] = {}
    duration: float | str | None = None
    max_wait: Micros | None = None
    actual_cost: str = ""
    actual_costs: dict[str, str] = {}
    cancelled: Literal["free", "count"] = "free"
    line: int = 0
    column: int = 0


class Settings(msgspec.Struct, frozen=True, omit_defaults=True):
    """Switches and thresholds of the engine, with the defaults that DOMAIN terms describe.

    Percentages and ratios are plain numbers; spans are µs.
    """

    strict_identities: bool = False
    strict_pools: bool = False
    default_max_wait: Micros = 300 * SECOND
    hold_ttl: Micros = 60 * SECOND
    concurrency_ttl: Micros = 900 * SECOND
    high_reserve_percent: float = 5.0
    drift_percent: float = 5.0
    warn_threshold: float = 0.2
    critical_threshold: float = 0.8
    risk_hysteresis: float = 0.05
    forecast_model: str = "ensemble"
    idempotency_ttl: Micros = 24 * HOUR
    timezone: str = "UTC"


class RetentionConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """How long events are to be kept. Nothing deletes any yet."""

    enabled: bool = False
    default_ttl: Micros | None = None
    by_type: dict[str, Micros] = {}
    check_interval: Micros = HOUR


class Document(msgspec.Struct, frozen=True, omit_defaults=True):
    """A whole policy file, checked and normalised. ``version`` is a digest of its content."""

    providers: tuple[ProviderConfig, ...] = ()
    pools: tuple[Pool, ...] = ()
    overrides: tuple[PoolOverride, ...] = ()
    topology: Topology = Topology()
    pricing: dict[str, dict[str, float]] = {}
    units: dict[str, str] = {}
    policies: tuple[PolicyConfig, ...] = ()
    tools: tuple[ToolConfig, ...] = ()
    settings: Settings = Settings()
    retention: RetentionConfig = RetentionConfig()
    source: str = "built-in defaults"
    version: str = ""
