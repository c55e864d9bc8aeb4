"""What may be looked at: the half of the local arbiter that decides nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

import anyio.to_thread
import msgspec

from ratelord_core import __version__
from ratelord_core.arbiter import EventFilter
from ratelord_core.clock import Clock
from ratelord_core.engine import Engine
from ratelord_core.engine.outlooks import failed_controller_view, failed_model_view
from ratelord_core.errors import (
    NotFound,
    PolicyError,
)
from ratelord_core.graph import Snapshot
from ratelord_core.journal import Journal
from ratelord_core.log_reader import LogReader
from ratelord_core.model.instant import DAY, SECOND, Micros, to_seconds
from ratelord_core.model.intent import Intent
from ratelord_core.model.share_query import WHOLE, ShareQuery
from ratelord_core.model.views import (
    EventView,
    ForecastView,
    HealthView,
    IdentityView,
    PolicyCheckView,
    PolicyFinding,
    PolicyView,
    PoolView,
    UsageView,
)
from ratelord_core.plugins import PluginInfo
from ratelord_core.policy.lint import lint
from ratelord_core.policy.rule import cap_key
from ratelord_core.policy.written import as_written
from ratelord_core.store import EventStore
from ratelord_core.story import along, enough
from ratelord_core.surroundings import Surroundings
from ratelord_core.tool_mapping import MappingWire, PoolFacts

_CALENDAR = {"hour": 3600 * SECOND, "day": DAY, "week": 7 * DAY}
"""How long calendar windows are, where they are all as long (but for the days on which clocks are
changed)."""


class Onlooker:
    """Looks at an engine, its journal and its log. Looking never waits for a commit."""

    def __init__(
        self,
        engine: Engine,
        journal: Journal,
        store: EventStore,
        clock: Clock,
        around: Surroundings,
    ) -> None:
        self.engine = engine
        self.journal = journal
        self.clock = clock
        self.phase = "starting"
        """starting, running or stopping."""
        self.policy_error: str | None = None
        """Why the policy that was read last is not in force."""
        self._store = store
        self._around = around
        self._log = LogReader(store, journal)
        self._started = clock.now()

    def now(self) -> Micros:
        return self.clock.now()

    def _look(self) -> Micros:
        """Let time pass before somebody looks; what that writes down goes with the next commit."""
        now = self.clock.now()
        self.engine.scribe.turn(now)
        return now

    def health(self) -> HealthView:
        state = self.engine.state
        providers = dict(self._around.provider_health())
        failed = tuple(failed_model_view(one) for one in self.engine.lookout.failures())
        paced = tuple(failed_controller_view(*one) for one in state.pacing.failures())
        failing = bool(failed or paced) or any(
            provider.state in {"degraded", "open"} for provider in providers.values()
        )
        return HealthView(
            status=self._status(failing),
            system_status=state.system_status,
            risk_score=state.risk_score,
            degraded=failing or state.degraded,
            version=__version__,
            uptime_seconds=to_seconds(self.clock.now() - self._started),
            role="leader",
            seq=self.journal.seq,
            db_checkpoint_lag=self._store.checkpoint_lag(),
            policy_version=state.policy_version,
            providers=providers,
            policy_error=self.policy_error,
            failed_models=failed,
            failed_controllers=paced,
        )

    def _status(self, failing: bool) -> str:
        if self.journal.failed is not None or self.phase == "stopping":
            return "read_only"
        if self.phase == "starting":
            return "initializing"
        return "degraded" if failing else "ok"

    def pools(self) -> list[PoolView]:
        return self.engine.reader.pools(self._look())

    def pool(self, key: str) -> PoolView:
        return self.engine.reader.pool(key, self._look())

    def forecasts(self, pool: str | None = None, share: ShareQuery = WHOLE) -> list[ForecastView]:
        return self.engine.reader.forecasts(self._look(), pool, share)

    def usage(
        self,
        *,
        pool: str | None = None,
        agent_id: str | None = None,
        identity_id: str | None = None,
        scope_id: str | None = None,
    ) -> list[UsageView]:
        return self.engine.reader.usage(self._look(), pool, agent_id, identity_id, scope_id)

    async def events(self, query: EventFilter) -> list[EventView]:
        return await self._log.page(query)

    def stream(self, query: EventFilter) -> AsyncIterator[EventView]:
        return self._log.stream(query)

    async def explain(self, intent_id: str) -> dict[str, Any]:
        story = await self._log.explain(intent_id)
        path = story["path"] = self._path(story["intent"], story["decision"]["trace"] or ())
        story["story"][1:1] = along(path)
        look_back = self._around.look_back
        if look_back is not None and not story["decision"]["allowed"]:
            asked, _, _ = await self._log.events_of(intent_id)
            intervals = self.engine.state.polling.intervals
            found = await anyio.to_thread.run_sync(look_back, asked, intervals)
            story["nearest"] = found
            story["story"] += enough(found)
        return story

    def _path(
        self, asked: dict[str, Any], trace: Iterable[dict[str, Any]]
    ) -> dict[str, Any] | None:
        """How the graph leads from that asker to pools and scopes, as it stands, without the caps
        of rules that were not found to hold."""
        intent = Intent(
            asked["agent_id"],
            asked["identity_id"],
            asked["workload_id"],
            asked["scope_id"],
            provider_id=asked.get("provider_id"),
            pool_id=asked.get("pool_id"),
        )
        try:
            binding = self.engine.state.graph.bind(intent)
        except LookupError:
            return None
        counted = {cap_key(step["policy_id"], step["rule"]) for step in trace if step["result"]}
        idle = self.engine.policy.caps_at_times - counted
        draws = [one for one in binding.draws if one.pool not in idle]
        return {
            "pools": [{"pool": one.pool, "consumes": one.consumes} for one in draws],
            "scopes": list(binding.scopes),
        }

    def graph(self, around: str | None = None) -> Snapshot:
        graph = self.engine.state.graph
        if around is None:
            return graph.snapshot()
        try:
            return graph.around(around)
        except LookupError as error:
            raise NotFound(str(error.args[0]), code="unknown_node") from error

    def explain_path(self, from_id: str, to_id: str) -> str:
        try:
            return self.engine.state.graph.explain(from_id, to_id)
        except LookupError as error:
            raise NotFound(str(error.args[0]), code="unknown_node") from error

    def plugins(self) -> tuple[PluginInfo, ...]:
        return self._around.plugins

    def metrics(self) -> str:
        self._look()
        return self._around.metrics()

    def families(self) -> Iterable[Any]:
        self._look()
        return self._around.families()

    def identities(self) -> list[IdentityView]:
        return self.engine.reader.identities()

    def policy(self) -> PolicyView:
        stack = self.engine.policy
        return PolicyView(stack.version, stack.document.source, as_written(stack.document))

    def ceiling(self, pool: str) -> tuple[int | None, Micros | None]:
        account = self.engine.state.ledger.accounts.get(pool)
        if account is None:
            return None, None
        window = account.pool.window
        return account.limit, window.every or _CALENDAR.get(window.unit or "")

    def tool_mapping(self) -> MappingWire:
        pools = {
            key: PoolFacts(account.pool.unit, account.pool.local)
            for key, account in self.engine.state.ledger.accounts.items()
        }
        shown = self.policy()
        return MappingWire(shown.version, tuple(shown.document.get("tools", ())), pools)

    def check_policy(self, text: str, source: str) -> PolicyCheckView:
        try:
            stack = self._around.check_policy(text, source)
        except PolicyError as error:
            return PolicyCheckView(False, None, tuple(_finding(f) for f in error.findings))
        found = tuple(_finding(one) for one in lint(stack.document, text))
        return PolicyCheckView(True, stack.version, (), found)


def _finding(found: Any) -> PolicyFinding:
    return PolicyFinding(**msgspec.structs.asdict(found))
