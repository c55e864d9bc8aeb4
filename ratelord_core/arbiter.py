"""The arbiter: the one face that every door speaks to.

Doors turn strangers' bytes into these calls and these answers into bytes; they never see the
engine or the store. Refusals are ``errors.Refused``; a denial is an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Protocol

from ratelord_core.graph import Snapshot
from ratelord_core.model.caller import Caller
from ratelord_core.model.decision import Decision
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.identity import Identity
from ratelord_core.model.ids import UNKNOWN
from ratelord_core.model.instant import Micros
from ratelord_core.model.intent import Intent, Report
from ratelord_core.model.observation import Observation
from ratelord_core.model.proof import SnapshotView, VerifyView
from ratelord_core.model.prospects import ConstraintView, FitView, PlanView
from ratelord_core.model.share_query import WHOLE, ShareQuery
from ratelord_core.model.views import (
    EventView,
    ExtendView,
    ForecastView,
    HealthView,
    IdentityView,
    ObservedView,
    PolicyCheckView,
    PolicyReloadView,
    PolicyView,
    PoolView,
    RegisteredView,
    ReportView,
    UsageView,
)
from ratelord_core.plugins import PluginInfo
from ratelord_core.store import EventQuery
from ratelord_core.tool_mapping import MappingWire


class EventFilter(EventQuery, frozen=True):
    """An ``EventQuery`` with the dimensions and the pool that a reader asked for."""

    agent_id: str | None = None
    identity_id: str | None = None
    workload_id: str | None = None
    scope_id: str | None = None
    pool: str | None = None


class Arbiter(Protocol):
    """Asks, reports, observations, administration, and everything that may be looked at.

    ``await``-ed calls return after what they decided is durable. Looking never waits for a commit.
    Pools are named by key ``provider_id/pool_id``; an unknown name is ``NotFound``.
    """

    def now(self) -> Micros:
        """The daemon's instant."""
        ...

    async def ask(self, intent: Intent, caller: Caller) -> Decision:
        """Decide one intent. Raises ``InvalidRequest`` (unknown pin), ``Conflict`` (idempotency),
        ``Forbidden``, ``Unavailable``."""
        ...

    def begin(self, intent: Intent, caller: Caller) -> asyncio.Future[Decision]:
        """``ask`` for those who cannot wait here: decided when this returns (and refused, by what
        ``ask`` raises), told by the future once it is durable."""
        ...

    async def ask_batch(self, intents: Sequence[Intent], caller: Caller) -> list[Decision]:
        """Decide them one after another, commit them together."""
        ...

    async def override(self, intent_id: str, by: str, reason: str, caller: Caller) -> Decision:
        """Decide a denied intent once more, without the overridable rule that denied it, because a
        human (``by``) allows it. Overridden again: the same answer. ``Conflict`` if no such rule
        denied it. Doors let in whoever may administer, or whom a human just told."""
        ...

    async def report(self, intent_id: str, report: Report, caller: Caller) -> ReportView:
        """Settle an intent. A different second report is a ``Conflict``."""
        ...

    async def extend(self, intent_id: str, span: Micros, caller: Caller) -> ExtendView:
        """Let an intent's holds live until ``span`` from now; ``Conflict`` if it ended or the
        longer hold does not fit."""
        ...

    async def observe(self, observations: Sequence[Observation], caller: Caller) -> ObservedView:
        """Take in numbers seen in passing."""
        ...

    async def observe_headers(
        self, provider_id: str, headers: Mapping[str, str], dated: Micros, caller: Caller
    ) -> ObservedView:
        """Take in a provider's response headers."""
        ...

    async def explain(self, intent_id: str) -> dict[str, Any]:
        """An intent, its decision with full trace, and its report, as the log has them: keys
        ``intent``, ``decision`` (wire form), ``policy_version``, ``report`` (or None), ``story``
        (sentences)."""
        ...

    def health(self) -> HealthView:
        """How the daemon is."""
        ...

    def pools(self) -> list[PoolView]:
        """Every pool, by key."""
        ...

    def pool(self, key: str) -> PoolView:
        """One pool."""
        ...

    def forecasts(self, pool: str | None = None, share: ShareQuery = WHOLE) -> list[ForecastView]:
        """Forecasts of all pools, or of one; with a ``share``, of somebody's share of them."""
        ...

    def usage(
        self,
        *,
        pool: str | None = None,
        agent_id: str | None = None,
        identity_id: str | None = None,
        scope_id: str | None = None,
    ) -> list[UsageView]:
        """Who used what in the present windows."""
        ...

    async def constraints(self, who: Dimensions) -> list[ConstraintView]:
        """What binds these dimensions; ``sentinel:unknown`` for those that are not known."""
        ...

    async def fit(self, pool: str, units: int, within: Micros, agent_id: str = UNKNOWN) -> FitView:
        """Whether so many units of a pool fit within a span from now; holds nothing."""
        ...

    async def plan(self, intents: Sequence[Intent], caller: Caller) -> PlanView:
        """How these intents would be answered one after another; holds nothing."""
        ...

    async def events(self, query: EventFilter) -> list[EventView]:
        """A page of the log."""
        ...

    def stream(self, query: EventFilter) -> AsyncIterator[EventView]:
        """Events after ``query.after`` as they become durable, without loss or repeat, for ever."""
        ...

    def identities(self) -> list[IdentityView]:
        """Every identity that is not deleted."""
        ...

    async def register_identity(
        self, identity: Identity, token: str | None, caller: Caller
    ) -> RegisteredView:
        """Make an identity known; ``token`` None generates one. ``Conflict`` if it exists."""
        ...

    async def rotate_identity(
        self,
        identity_id: str,
        token: str | None,
        secret_ref: str | None,
        caller: Caller,
        overlap: Micros = 0,
    ) -> RegisteredView:
        """Give an identity a new token (generated if None), and a new secret reference if given;
        the token before stays good for ``overlap``."""
        ...

    async def change_identity(
        self, identity_id: str, change: str, reason: str, caller: Caller
    ) -> RegisteredView:
        """``revoke``, ``quarantine`` or ``restore``; ``Conflict`` if its state forbids it."""
        ...

    def authenticate(self, token: str) -> Caller | None:
        """The caller a bearer token belongs to; None if to nobody active. Constant time."""
        ...

    def graph(self, around: str | None = None) -> Snapshot:
        """The constraint graph, or the part near one node."""
        ...

    def explain_path(self, from_id: str, to_id: str) -> str:
        """How two nodes of the graph hang together, in words."""
        ...

    def policy(self) -> PolicyView:
        """The policy in force."""
        ...

    def tool_mapping(self) -> MappingWire:
        """What calls of tools are to the arbiter, by the policy in force."""
        ...

    def check_policy(self, text: str, source: str) -> PolicyCheckView:
        """Whether a document (YAML or JSON) could come into force."""
        ...

    async def reload_policy(self, caller: Caller) -> PolicyReloadView:
        """Read the policy file again. ``PolicyError`` if it is not valid; the old one stays."""
        ...

    def plugins(self) -> tuple[PluginInfo, ...]:
        """The plugins of this daemon."""
        ...

    def metrics(self) -> str:
        """Counters and gauges in Prometheus text form."""
        ...

    def inject(
        self,
        provider_id: str,
        pool_id: str,
        usage: int | None,
        limit: int | None,
        caller: Caller,
    ) -> None:
        """Make a simulated provider report this from its next poll on."""
        ...


class Authority(Arbiter, Protocol):
    """The arbiter beside its engine, which knows more than what can be asked from afar."""

    def begin_batch(
        self, intents: Sequence[Intent], caller: Caller
    ) -> asyncio.Future[list[Decision]]:
        """``ask_batch`` for those who cannot wait here: refused when this returns (by what
        ``ask_batch`` raises) or begun; told by the future once all of it is durable."""
        ...

    def certified(self, identity_id: str) -> Caller | None:
        """The caller whose verified certificate names an identity; None if it is not active."""
        ...

    async def snapshot(self, caller: Caller) -> SnapshotView:
        """Take a snapshot, so that the next start replays only what comes after it; ``Conflict`` if
        one is being taken."""
        ...

    async def verify(self, caller: Caller) -> VerifyView:
        """Whether the log is what was written and yields what the daemon says."""
        ...

    def families(self) -> Iterable[Any]:
        """Every metric, as prometheus_client's ``Metric``."""
        ...

    def ceiling(self, pool: str) -> tuple[int | None, Micros | None]:
        """A pool's limit and the length of its window; None where it has none, or is unknown."""
        ...
