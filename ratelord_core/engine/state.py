"""The whole state: a fold of the event log.

The engine decides by looking at it and changes it only by applying what it writes down. Replay
applies the same events and so arrives at the same state.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ratelord_core.control import Pacing
from ratelord_core.engine.divisions import Divisions
from ratelord_core.engine.folds import FOLDS
from ratelord_core.engine.polling import Polling
from ratelord_core.engine.prices import Prices
from ratelord_core.events.envelope import Event
from ratelord_core.events.payloads import IntentSubmitted, Payload
from ratelord_core.forecast import ForecastBook, Standing
from ratelord_core.graph import ConstraintGraph
from ratelord_core.ledger import Asker, Figures, Ledger, Reset, Resolved
from ratelord_core.model.config import AgentConfig, Settings, Topology
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.forecast import Forecast, RiskLevel
from ratelord_core.model.instant import Micros, to_seconds
from ratelord_core.model.intent import Intent
from ratelord_core.projections.answers import Answers
from ratelord_core.projections.costs import LearnedCosts
from ratelord_core.projections.identities import Identities
from ratelord_core.projections.providers import Providers
from ratelord_core.projections.spending import Spending


class State:
    """Ledger, graph, identities, providers, learnt costs, forecasts' inputs, earlier answers."""

    def __init__(
        self, graph: ConstraintGraph, book: ForecastBook, pacing: Pacing | None = None
    ) -> None:
        self.graph = graph
        self.book = book
        self.pacing = Pacing() if pacing is None else pacing
        self.ledger = Ledger()
        self.identities = Identities()
        self.costs = LearnedCosts()
        self.spending = Spending()
        self.providers = Providers()
        self.polling = Polling(self.ledger, self.providers)
        self.answers = Answers()
        self.topology = Topology()
        self.settings = Settings()
        self.prices = Prices({})
        self.policy_version = ""
        self.policy_text = ""
        """The document in force as canonical text."""
        self.system_status = "ok"
        self.risk_score = 0
        self.degraded = False
        self.shape = 0
        """Grows whenever what binds an intent may have changed: configuration, pools, identities.
        Names that were only seen for the first time bind nobody."""
        self.expired: dict[tuple[str, str], Resolved] = {}
        """What expired, by intent and pool, and no event says so yet."""
        self.ended: dict[tuple[str, Micros], Reset] = {}
        """Windows that ended, by pool and reset, and no event says so yet."""
        self.announced: dict[str, RiskLevel] = {}
        """The risk level that was last written down, by pool."""
        self.divisions = Divisions()
        """Who belongs to which share, and by what pools are counted apart."""
        self.agent_patterns: list[str] = []
        """Beginnings of agents' ids, the longest first."""
        self._askers: dict[tuple[Dimensions, bool, int], Asker] = {}
        self.asked: tuple[str, IntentSubmitted] | None = None
        """The question that awaits its answer, with its intent's id."""
        self.asked_as = ""
        """The identity in whose name it was asked."""

    def replay(self, event: Event) -> None:
        """Apply an event of the log."""
        self.apply(event.ts_event, event.dimensions, event.intent_id, event.payload)

    def apply(self, at: Micros, dimensions: Dimensions, intent_id: str, payload: Payload) -> Any:
        """Apply what happened at ``at``; what the fold found, for the engine to act upon."""
        if not self.ledger.is_quiet(at):
            self.pass_time(at)
        fold = FOLDS.get(type(payload))
        return fold(self, at, dimensions, intent_id, payload) if fold else None

    def pass_time(self, at: Micros) -> None:
        """Let time pass. What ends by itself is remembered until it is written down: by whoever
        notices, or, if a crash came between, by the next daemon."""
        for intent_id, resolved in self.ledger.advance(at):
            self.expired[intent_id, resolved.pool] = resolved
        if self.ledger.resets:
            for reset in self.ledger.take_resets():
                self.ended[reset.pool, reset.at] = reset

    # --- questions ----------------------------------------------------------------------------

    def agent(self, agent_id: str) -> AgentConfig:
        """What the configuration says of an agent: by its id, else by the longest pattern."""
        agents = self.topology.agents
        exact = agents.get(agent_id)
        if exact is not None or not self.agent_patterns:
            return exact or _NOBODY
        fits = (prefix for prefix in self.agent_patterns if agent_id.startswith(prefix))
        longest = next(fits, None)
        return _NOBODY if longest is None else agents[f"{longest}*"]

    def groups(self, who: Dimensions) -> tuple[str, ...]:
        """The shares that these names belong to."""
        return self.divisions.groups(self, who) if self.divisions.patterns else ()

    def asker(self, who: Dimensions, *, urgent: bool) -> Asker:
        """Whom a hold is for: the same object for all of the same names, of which there are many
        holds."""
        known = self._askers.get((who, urgent, self.shape))
        if known is None:
            if len(self._askers) >= _MEMORY:
                self._askers.clear()
            party = (who.agent_id, who.identity_id, who.scope_id)
            weight, groups = self.agent(who.agent_id).weight, self.groups(who)
            known = Asker(party, weight, urgent, who.workload_id, groups)
            self._askers[who, urgent, self.shape] = known
        return known

    def max_wait(self, intent: Intent) -> Micros:
        """The longest wait that the asker takes for an answer."""
        return self.settings.default_max_wait if intent.max_wait is None else intent.max_wait

    def standing(self, key: str, figures: Figures, now: Micros) -> Standing:
        """Where a pool stands, as forecasts see it."""
        if not self.polling.intervals:
            return Standing(figures.available, figures.reset_at)
        overdue = to_seconds(self.polling.overdue(key, now))
        return Standing(figures.available, figures.reset_at, overdue)

    def outlook(self, key: str, figures: Figures, now: Micros) -> Forecast:
        """A pool's forecast as it stands."""
        return self.book.outlook(key, now, self.standing(key, figures, now))

    def level(self, key: str, forecast: Forecast, figures: Figures, now: Micros) -> RiskLevel:
        """How bad a forecast of this pool is."""
        return self.book.level(key, forecast, self.standing(key, figures, now))

    def picture(self, now: Micros) -> dict[str, Any]:
        """Everything observable, as plain data: equal for equal states."""
        self.answers.forget(now - self.settings.idempotency_ttl)
        identities = sorted(self.identities, key=lambda identity: identity.identity_id)
        return {
            "ledger": self.ledger.picture(now),
            "identities": [msgspec.structs.asdict(identity) for identity in identities],
            "costs": self.costs.picture(),
            "spending": self.spending.picture(),
            "providers": sorted(
                (msgspec.structs.asdict(record) for record in self.providers),
                key=lambda record: str(record["provider_id"]),
            ),
            "forecasts": self.book.state(),
            "pacing": self.pacing.state(),
            "announced": dict(sorted(self.announced.items())),
            "system_status": (self.system_status, self.degraded),
            "policy_version": self.policy_version,
            "answers": len(self.answers),
        }


_NOBODY = AgentConfig()
_MEMORY = 8192
"""Askers kept; a full table starts anew, so that strangers' names cannot fill memory."""
