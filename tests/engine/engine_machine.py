"""A table in the hands of hypothesis: anybody may do anything, in any order."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ratelord_core.engine.answering import decision_of
from ratelord_core.errors import Conflict, InvalidRequest
from ratelord_core.events.codec import open_record
from ratelord_core.events.payloads import IntentDecided, PolicyUpdated
from ratelord_core.events.verify import verify
from ratelord_core.model.decision import Decision
from ratelord_core.model.identity import Identity
from ratelord_core.model.instant import HOUR, SECOND
from ratelord_core.model.intent import Intent
from ratelord_core.testing.table import Table

POOLS = """
providers: {mock: [{id: m}]}
pools:
  - {id: local/fixed, limit: 40, window: {kind: fixed, every: 60s}, shared_by: [work]}
  - {id: local/slots, limit: 3, window: {kind: concurrency}, shared_by: [work]}
  - {id: local/rolling, limit: 30, window: {kind: sliding, every: 30s}, shared_by: [play]}
  - {id: local/bucket, limit: 20, window: {kind: bucket, every: 10s, burst: 25}, shared_by: [play]}
  - {id: local/money, unit: microusd, limit: 900, window: {kind: calendar, every: hour}}
workloads: {work: {consumes: {m/p: 1.5, local/fixed: 2}}}
identities: [{id: i1, kind: user, allowed_agents: [a0, a1]}]
agents: {a*: {weight: 2}, a1: {role: ci, labels: {team: "~1.5"}}}
"""
RULES = """
policies:
  - id: house
    scope: global
    rules:
      - {name: slow, condition: "remaining < 5 && intent.urgency != 'high'", action: shape, params: {wait_seconds: 2.5}}
      - {name: shed, condition: "risk.p_exhaustion > 0.9 || tte.p90 < 1.5", action: deny}
  - id: gentle
    scope: agent:a1
    type: soft
    rules: [{name: later, condition: "agent.labels['team'] == '~1.5' && pool.utilization > 0.4", action: defer, params: {jitter_max_seconds: 3}}]
"""
SIMPLE_RULES = """
policies:
  - id: house
    scope: global
    rules:
      - {name: low, condition: "remaining < 4", action: deny}
      - {name: spare, condition: "intent.urgency == 'normal' && remaining <= 8", action: shape, params: {wait_seconds: 1}}
      - {name: risky, condition: "risk.p_exhaustion >= 0.4", action: warn}
  - id: team
    scope: agent:a1
    rules: [{name: soon, condition: "tte.p90 < 20 && remaining < 15", action: deny}]
"""
DOCUMENTS = (
    POOLS,
    POOLS + RULES,
    POOLS + SIMPLE_RULES,
    POOLS.replace("limit: 40", "limit: 25").replace("every: 30s", "every: 45s") + RULES,
    POOLS.replace(
        "identities:", "settings: {strict_identities: true, high_reserve_percent: 20}\nidentities:"
    ),
)
LOCAL = ("local/fixed", "local/slots", "local/rolling", "local/bucket", "local/money")

agents = st.sampled_from(["a0", "a1", "b0"])
costs = st.one_of(st.none(), st.integers(0, 9), st.floats(0, 9, allow_nan=False))
identities = st.sampled_from(["i0", "i1", "i2"])
picks = st.integers(0, 30)


class EngineMachine(RuleBasedStateMachine):
    """Everything that may happen to an engine; checks what must hold after each step."""

    def __init__(self) -> None:
        super().__init__()
        self.table = Table(POOLS)
        self.given: list[Decision] = []

    @initialize()
    def begin(self) -> None:
        """A provider's pool is known."""
        self.table.observe(
            "m/p", limit=60, used=0, reset_at=self.table.now + 90 * SECOND, window_every=HOUR
        )

    @rule(
        workload=st.sampled_from(["work", "play", "other"]),
        agent=agents,
        identity=identities,
        cost=costs,
        urgency=st.sampled_from(["high", "normal", "background"]),
        max_wait=st.sampled_from([None, 0, SECOND, 90 * SECOND]),
        key=st.sampled_from([None, None, "k1", "k2"]),
        dry_run=st.booleans(),
        duration=st.sampled_from([None, SECOND, 100 * SECOND]),
    )
    def ask(self, workload: str, agent: str, identity: str, cost: Any, **fields: Any) -> None:
        """Ask; a key may be old or another question's."""
        names = {"agent_id": agent, "identity_id": identity, "expected_cost": cost}
        names["scope_id"] = "repo:x/y"
        fields["idempotency_key"] = fields.pop("key")
        before = self._taken()
        self._what_is_plain_is_weighed_alike(Intent(workload_id=workload, **names, **fields))
        try:
            decision = self.table.ask(workload, **names, **fields)
        except Conflict:
            return
        for key, taken in self._taken().items():
            account = self.table.engine.state.ledger.accounts[key]
            most = account.pool.window.burst or account.limit or 0
            assert taken <= max(most, before[key]), f"{key} was given more than it has"
        if not fields["dry_run"]:
            self.given.append(decision)

    def _what_is_plain_is_weighed_alike(self, intent: Intent) -> None:
        """What is answered without weighing is what weighing gives: setting a rule aside that
        nobody has makes everything be weighed."""
        negotiator, now = self.table.engine.negotiator, self.table.now
        found = negotiator._weigh(intent, now, None, plain=True)
        if isinstance(found, IntentDecided):
            assert found == negotiator._decide(intent, now, ("nobody's", "rule"))[0]

    def _taken(self) -> dict[str, int]:
        figures = {key: self.table.figures(key) for key in LOCAL}
        return {key: each.used + each.held for key, each in figures.items()}

    def _pick(self, number: int) -> Decision | None:
        return self.given[-1 - number % len(self.given)] if self.given else None

    @rule(
        number=picks,
        cost=costs,
        outcome=st.sampled_from(["success", "error", "rate_limited", "cancelled"]),
    )
    def report(self, number: int, cost: Any, outcome: str) -> None:
        """Settle one of the last intents, perhaps again, perhaps late."""
        chosen = self._pick(number)
        if chosen is not None:
            try:
                self.table.report(chosen.intent_id, outcome, actual_cost=cost)
            except Conflict:
                return

    @rule(number=picks, seconds=st.integers(1, 200))
    def extend(self, number: int, seconds: int) -> None:
        """Let one of the last intents live longer."""
        chosen = self._pick(number)
        if chosen is not None and chosen.intent_id in self.table.engine.state.ledger.holds:
            try:
                self.table.extend(chosen.intent_id, seconds)
            except Conflict:
                return

    @rule(
        used=st.one_of(st.none(), st.integers(0, 70)),
        limit=st.sampled_from([None, 60, 50]),
        age=st.integers(0, 20),
        reset=st.one_of(st.none(), st.integers(1, 100)),
    )
    def observe(self, used: int | None, limit: int | None, age: int, reset: int | None) -> None:
        """The provider says something, perhaps late."""
        now = self.table.now
        reset_at = None if reset is None else now + reset * SECOND
        self.table.observe(
            "m/p", used=used, limit=limit, reset_at=reset_at, dated=now - age * SECOND
        )

    @rule(seconds=st.sampled_from([0, 0.3, 1, 7, 31, 60, 3600]))
    def pass_time(self, seconds: float) -> None:
        """Time passes, and somebody looks."""
        self.table.pass_time(seconds)

    @rule(seconds=st.sampled_from([0.001, 5, 61]))
    def pass_time_unseen(self, seconds: float) -> None:
        """Time passes, and nobody looks."""
        self.table.clock.advance(int(seconds * SECOND))

    @rule(document=st.sampled_from(DOCUMENTS))
    def configure(self, document: str) -> None:
        """Another policy."""
        self.table.configure(document)

    @rule(
        name=identities,
        change=st.sampled_from(["register", "rotate", "revoke", "quarantine", "restore"]),
    )
    def identify(self, name: str, change: str) -> None:
        """An identity's life goes on; not everything is possible at every moment."""
        registrar, now = self.table.engine.registrar, self.table.now
        known = self.table.engine.state.identities.get(name)
        try:
            if change == "register":
                registrar.register(Identity(name), None, now, "test")
            elif known is None:
                return
            elif change == "rotate":
                registrar.rotate(name, None, None, now, "test")
            else:
                registrar.change(name, change, "", now, "test")
        except (Conflict, InvalidRequest):
            return

    @rule()
    def restart(self) -> None:
        """The daemon dies and comes back."""
        self.table.pass_time(0)
        self.table.restart()

    @invariant()
    def caps_are_kept(self) -> None:
        """Our own caps, which nobody else uses up: used + held never pass a limit unless a report
        told more than was held or the limit shrank; nothing leaks."""
        ledger = self.table.engine.state.ledger
        for key in LOCAL:
            account = ledger.account(key, self.table.now)
            open_units = sum(leg.units for leg in account.legs)
            assert account.held + account.scheduled == open_units
            assert account.figures(self.table.now).available >= 0
        legs = {leg.intent_id for a in ledger.accounts.values() for leg in a.legs}
        assert legs == set(ledger.holds)

    def teardown(self) -> None:
        """Once at the end, because it reads the whole log: the log alone tells the same."""
        self.table.pass_time(0)
        table, now = self.table, self.table.now
        assert table.replayed().picture(now) == table.engine.state.picture(now)
        records = table.records()
        assert verify(records).intact
        for record in records:
            json.loads(record.body, parse_float=_no_float)
        self._answers_are_in_the_log()
        self._nothing_is_left_when_all_is_over()

    def _answers_are_in_the_log(self) -> None:
        logged = {}
        version = ""
        for record in self.table.records():
            event = open_record(record)
            if isinstance(event.payload, PolicyUpdated):
                version = event.payload.version
            if isinstance(event.payload, IntentDecided):
                logged[event.intent_id] = decision_of(
                    event.intent_id, event.ts_event, event.payload, version
                )
        assert {decision.intent_id: decision for decision in self.given} == logged

    def _nothing_is_left_when_all_is_over(self) -> None:
        for _ in range(3):
            self.table.pass_time(4 * HOUR // SECOND)
        ledger = self.table.engine.state.ledger
        assert ledger.holds == {}
        assert all(account.held == account.scheduled == 0 for account in ledger.accounts.values())


def _no_float(text: str) -> float:
    raise AssertionError(f"the log holds a float: {text}")
