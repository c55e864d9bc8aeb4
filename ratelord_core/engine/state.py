"""The whole state: a fold of the event log.

The engine decides by looking at it and changes it only by applying what it writes down. Replay
applies the same events and so arrives at the same state.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, cast

import msgspec

from ratelord_core.events import payloads as happened
from ratelord_core.events.envelope import Event
from ratelord_core.forecast import ForecastBook, RiskLevels, Standing
from ratelord_core.graph import ConstraintGraph
from ratelord_core.ledger import (
    Asker,
    Figures,
    Ledger,
    Need,
    Reconciled,
    Reset,
    Resolved,
    Settlement,
    Terms,
)
from ratelord_core.model.config import AgentConfig, Settings, Topology
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.forecast import Forecast, RiskLevel
from ratelord_core.model.identity import IdentityStatus
from ratelord_core.model.ids import pool_key
from ratelord_core.model.instant import Micros, to_seconds
from ratelord_core.model.intent import Intent
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import Pool
from ratelord_core.projections.answers import Answer, Answers
from ratelord_core.projections.costs import LearnedCosts
from ratelord_core.projections.identities import Identities
from ratelord_core.projections.providers import Providers

_topology = msgspec.json.Decoder(Topology).decode
_settings = msgspec.json.Decoder(Settings).decode


class State:
    """Ledger, graph, identities, providers, learnt costs, forecasts' inputs, earlier answers."""

    def __init__(self, graph: ConstraintGraph, book: ForecastBook) -> None:
        self.graph = graph
        self.book = book
        self.ledger = Ledger()
        self.identities = Identities()
        self.costs = LearnedCosts()
        self.providers = Providers()
        self.answers = Answers()
        self.topology = Topology()
        self.settings = Settings()
        self.policy_version = ""
        self.system_status = "ok"
        self.risk_score = 0
        self.degraded = False
        self.started_at: Micros = 0
        self.poll_intervals: dict[str, Micros] = {}
        """How often each provider account is polled: told by the daemon, not by the log."""
        self.expired: dict[tuple[str, str], Resolved] = {}
        """What expired, by intent and pool, and no event says so yet."""
        self.ended: dict[tuple[str, Micros], Reset] = {}
        """Windows that ended, by pool and reset, and no event says so yet."""
        self.announced: dict[str, RiskLevel] = {}
        """The risk level that was last written down, by pool."""
        self._agent_patterns: list[str] = []
        """Beginnings of agents' ids, the longest first."""
        self._declared_at: dict[str, Micros] = {}
        self._asked: tuple[str, happened.IntentSubmitted] | None = None
        self._folds: dict[type[happened.Payload], Callable[..., Any]] = {
            happened.SystemStarted: self._started,
            happened.ConfigLoaded: self._configured,
            happened.PolicyUpdated: self._policy_updated,
            happened.IdentityRegistered: self._registered,
            happened.IdentityRotated: self._rotated,
            happened.IdentityRevoked: self._revoked,
            happened.IdentityQuarantined: self._quarantined,
            happened.IdentityRestored: self._restored,
            happened.ProviderPollObserved: self._polled,
            happened.ProviderError: self._poll_failed,
            happened.ProviderStateChanged: self._provider_turned,
            happened.ConstraintObserved: self._constraint_observed,
            happened.UsageObserved: self._usage_observed,
            happened.DriftDetected: self._drifted,
            happened.ForecastComputed: self._forecast,
            happened.ResetObserved: self._reset,
            happened.IntentSubmitted: self._submitted,
            happened.IntentDecided: self._decided,
            happened.IntentReported: self._reported,
            happened.HoldExtended: self._extended,
            happened.HoldExpired: self._hold_expired,
            happened.SystemStatusChanged: self._status_changed,
        }

    def replay(self, event: Event) -> None:
        """Apply an event of the log."""
        self.apply(event.ts_event, event.dimensions, event.intent_id, event.payload)

    def apply(
        self, at: Micros, dimensions: Dimensions, intent_id: str, payload: happened.Payload
    ) -> Any:
        """Apply what happened at ``at``; what the fold found, for the engine to act upon."""
        self.pass_time(at)
        fold = self._folds.get(type(payload))
        return fold(at, dimensions, intent_id, payload) if fold else None

    def pass_time(self, at: Micros) -> None:
        """Let time pass. What ends by itself is remembered until it is written down: by whoever
        notices, or, if a crash came between, by the next daemon."""
        for intent_id, resolved in self.ledger.advance(at):
            self.expired[intent_id, resolved.pool] = resolved
        for reset in self.ledger.take_resets():
            self.ended[reset.pool, reset.at] = reset

    # --- daemon and configuration -------------------------------------------------------------

    def _started(self, at: Micros, _d: Dimensions, _i: str, _e: happened.SystemStarted) -> None:
        self.started_at = at

    def _configured(self, at: Micros, _d: Dimensions, _i: str, e: happened.ConfigLoaded) -> None:
        self.topology = _topology(e.topology)
        patterns = (name[:-1] for name in self.topology.agents if name.endswith("*"))
        self._agent_patterns = sorted(patterns, key=len, reverse=True)
        self.settings = _settings(e.settings)
        self.ledger.terms = Terms(self.settings.high_reserve_percent)
        for account in self.ledger.accounts.values():
            account.reserve(self.settings.high_reserve_percent)
        self.book.levels = RiskLevels.of(self.settings)
        self.identities.declare(self.topology.identities, at)
        self.graph.configure(self.topology, e.pools)
        for pool in e.pools:
            self._declare(pool, at)
        for identity in self.identities:
            self.graph.put_identity(identity)

    def _policy_updated(
        self, _at: Micros, _d: Dimensions, _i: str, e: happened.PolicyUpdated
    ) -> None:
        self.policy_version = e.version

    def _status_changed(
        self, _at: Micros, _d: Dimensions, _i: str, e: happened.SystemStatusChanged
    ) -> None:
        self.system_status, self.risk_score, self.degraded = e.after, e.risk_score, e.degraded

    # --- identities ---------------------------------------------------------------------------

    def _registered(
        self, _at: Micros, _d: Dimensions, _i: str, e: happened.IdentityRegistered
    ) -> None:
        self.identities.put(e.identity)
        self.graph.put_identity(e.identity)

    def _rotated(self, _at: Micros, _d: Dimensions, _i: str, e: happened.IdentityRotated) -> None:
        self.graph.put_identity(self.identities.rotate(e))

    def _revoked(self, _at: Micros, _d: Dimensions, _i: str, e: happened.IdentityRevoked) -> None:
        self._turn(e.identity_id, "revoked")

    def _quarantined(
        self, _at: Micros, _d: Dimensions, _i: str, e: happened.IdentityQuarantined
    ) -> None:
        self._turn(e.identity_id, "quarantined")

    def _restored(self, _at: Micros, _d: Dimensions, _i: str, e: happened.IdentityRestored) -> None:
        self._turn(e.identity_id, "active")

    def _turn(self, identity_id: str, status: IdentityStatus) -> None:
        self.graph.put_identity(self.identities.turn(identity_id, status))

    # --- providers ----------------------------------------------------------------------------

    def _polled(
        self, at: Micros, _d: Dimensions, _i: str, e: happened.ProviderPollObserved
    ) -> list[tuple[str, Reconciled]]:
        self.providers.polled(e, at)
        return [self._observe(seen, at) for seen in e.observations]

    def _poll_failed(self, _at: Micros, _d: Dimensions, _i: str, e: happened.ProviderError) -> None:
        self.providers.failed(e)

    def _provider_turned(
        self, _at: Micros, _d: Dimensions, _i: str, e: happened.ProviderStateChanged
    ) -> None:
        self.providers.turned(e)

    def _constraint_observed(
        self, at: Micros, _d: Dimensions, _i: str, e: happened.ConstraintObserved
    ) -> None:
        self._declare(e.pool, at)
        self.graph.put_pool(e.pool)

    def _declare(self, pool: Pool, at: Micros) -> None:
        self._declared_at.setdefault(pool.key, at)
        self.ledger.declare(pool, at)
        self._declare_forecast(pool.key, at)

    def _usage_observed(
        self, at: Micros, _d: Dimensions, _i: str, e: happened.UsageObserved
    ) -> list[tuple[str, Reconciled]]:
        return [self._observe(e.observation, at)]

    def _observe(self, seen: Observation, at: Micros) -> tuple[str, Reconciled]:
        key = pool_key(seen.provider_id, seen.pool_id)
        result = self.ledger.observe(seen, at)
        if result.surplus:
            self.book.observe(key, at, result.surplus)
        if result.changed:
            self._declare_forecast(key, at)
        return key, result

    def _drifted(self, at: Micros, _d: Dimensions, _i: str, e: happened.DriftDetected) -> None:
        self.book.widen(e.pool, at, e.distance)

    def _forecast(self, at: Micros, _d: Dimensions, _i: str, e: happened.ForecastComputed) -> None:
        tte = inf if e.tte_p50 is None else e.tte_p50 / 1000
        level = cast("RiskLevel", e.risk_level)
        self.announced[e.pool] = level
        self.book.announce(e.pool, e.p_exhaustion / 1_000_000, tte, level, at)

    def _reset(self, at: Micros, _d: Dimensions, _i: str, e: happened.ResetObserved) -> None:
        figures = self.ledger.account(e.pool, at).figures(at)
        self.pass_time(at)
        for pool, reset_at in list(self.ended):
            if pool == e.pool and reset_at <= e.reset_at:
                del self.ended[pool, reset_at]
        self.book.window(e.pool, at, figures.used, figures.reset_at)

    def _declare_forecast(self, key: str, at: Micros) -> None:
        account = self.ledger.account(key, at)
        figures = account.figures(at)
        pool = msgspec.structs.replace(account.pool, limit=figures.limit)
        self.book.declare(pool, at, figures.used, figures.reset_at)

    # --- intents ------------------------------------------------------------------------------

    def _submitted(
        self, at: Micros, dimensions: Dimensions, intent_id: str, e: happened.IntentSubmitted
    ) -> None:
        self.graph.admit(dimensions)
        self.identities.touch(dimensions.identity_id, at)
        self._asked = (intent_id, e)

    def _decided(
        self, at: Micros, dimensions: Dimensions, intent_id: str, e: happened.IntentDecided
    ) -> None:
        asked = self._asked[1] if self._asked and self._asked[0] == intent_id else None
        if e.holds:
            self._hold(at, dimensions, intent_id, e, urgent=bool(asked and asked.urgency == "high"))
        if asked and asked.key:
            allowed = e.decision != "deny_with_reason"
            valid = at + e.until if allowed else None
            self.answers.forget(at - self.settings.idempotency_ttl)
            self.answers.remember(asked.key, Answer(asked.body, intent_id, valid), at)

    def _hold(
        self,
        at: Micros,
        dimensions: Dimensions,
        intent_id: str,
        e: happened.IntentDecided,
        *,
        urgent: bool,
    ) -> None:
        party = (dimensions.agent_id, dimensions.identity_id, dimensions.scope_id)
        weight = self.agent(dimensions.agent_id).weight
        asker = Asker(party, weight, urgent, dimensions.workload_id)
        needs = [Need(line.pool, line.units, line.lifetime) for line in e.holds]
        self.ledger.place(intent_id, asker, needs, at + e.start, at)
        for need in needs:
            self.book.observe(need.pool, at, need.units)

    def _reported(
        self, at: Micros, dimensions: Dimensions, intent_id: str, e: happened.IntentReported
    ) -> Settlement | None:
        if self.ledger.find(intent_id) is None:
            return None
        settlement = self.ledger.settle(intent_id, dict(e.settled), at, e.body)
        for line in settlement.lines:
            if line.used != line.held:
                self.book.observe(line.pool, at, line.used - line.held)
        if e.learn:
            for pool, units in e.settled:
                if pool not in e.assumed:
                    self.costs.learn(dimensions.workload_id, pool, units)
        return settlement

    def _extended(self, at: Micros, _d: Dimensions, _i: str, e: happened.HoldExtended) -> None:
        self.ledger.extend(e.intent_id, e.expires_at, at)

    def _hold_expired(self, _at: Micros, _d: Dimensions, _i: str, e: happened.HoldExpired) -> None:
        for intent_id, pool, _, _ in e.expired:
            self.expired.pop((intent_id, pool), None)

    # --- questions ----------------------------------------------------------------------------

    def agent(self, agent_id: str) -> AgentConfig:
        """What the configuration says of an agent: by its id, else by the longest pattern."""
        agents = self.topology.agents
        exact = agents.get(agent_id)
        if exact is not None or not self._agent_patterns:
            return exact or _NOBODY
        fits = (prefix for prefix in self._agent_patterns if agent_id.startswith(prefix))
        longest = next(fits, None)
        return _NOBODY if longest is None else agents[f"{longest}*"]

    def outlook(self, key: str, figures: Figures, now: Micros, *, units: int = 0) -> Forecast:
        """A pool's forecast as it stands, or with so many units more."""
        standing = self.standing(key, figures, now)
        if units:
            return self.book.with_intent(key, now, standing, units)
        return self.book.outlook(key, now, standing)

    def level(self, key: str, forecast: Forecast, figures: Figures, now: Micros) -> RiskLevel:
        """How bad a forecast of this pool is."""
        return self.book.level(key, forecast, self.standing(key, figures, now))

    def standing(self, key: str, figures: Figures, now: Micros) -> Standing:
        """Where a pool stands, as forecasts see it."""
        interval = self.interval_of(key)
        beyond = max(0, self.age(key, now) - _STALE_AFTER * interval) if interval else 0
        return Standing(figures.available, figures.reset_at, to_seconds(beyond))

    def age(self, key: str, now: Micros) -> Micros:
        """How old the provider's data on a pool are; 0 for pools that nobody polls."""
        if not self.interval_of(key):
            return 0
        seen = self.ledger.accounts[key].observed_at
        if seen is None:
            seen = max(self.started_at, self._declared_at.get(key, 0))
        return max(0, now - seen)

    def is_stale(self, key: str, now: Micros) -> bool:
        """Whether a pool's data are older than three polls, or its provider's circuit is open."""
        interval = self.interval_of(key)
        if not interval:
            return False
        if self.providers.get(self.account_of(key)).state == "open":
            return True
        return self.age(key, now) > _STALE_AFTER * interval

    def max_wait(self, intent: Intent) -> Micros:
        """The longest wait that the asker takes for an answer."""
        return self.settings.default_max_wait if intent.max_wait is None else intent.max_wait

    def account_of(self, key: str) -> str:
        """The provider account that a pool belongs to: the longest known beginning of its key."""
        account = key.rpartition("/")[0]
        while "/" in account and account not in self.poll_intervals:
            account = account.rpartition("/")[0]
        return account

    def interval_of(self, key: str) -> Micros:
        """How often a pool's account is polled (µs); 0 = nobody polls it."""
        if not self.poll_intervals or self.ledger.accounts[key].pool.local:
            return 0
        return self.poll_intervals.get(self.account_of(key), 0)

    def picture(self, now: Micros) -> dict[str, Any]:
        """Everything observable, as plain data: equal for equal states."""
        self.answers.forget(now - self.settings.idempotency_ttl)
        identities = sorted(self.identities, key=lambda identity: identity.identity_id)
        return {
            "ledger": self.ledger.picture(now),
            "identities": [msgspec.to_builtins(identity) for identity in identities],
            "costs": self.costs.picture(),
            "providers": sorted(
                (msgspec.to_builtins(record) for record in self.providers),
                key=lambda record: str(record["provider_id"]),
            ),
            "forecasts": self.book.state(),
            "announced": dict(sorted(self.announced.items())),
            "system_status": (self.system_status, self.degraded),
            "policy_version": self.policy_version,
            "answers": len(self.answers),
        }


_NOBODY = AgentConfig()
_STALE_AFTER = 3
"""Polls that may be missed before a pool's data are stale."""
