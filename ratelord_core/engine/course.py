"""What is alike in all intents of the same names: resolved once, found by one lookup."""

from __future__ import annotations

import msgspec

from ratelord_core.engine.prices import Amount, meters
from ratelord_core.engine.state import State
from ratelord_core.engine.units import usable, whole
from ratelord_core.graph import Binding, Draw
from ratelord_core.ledger import Asker, Need
from ratelord_core.ledger.account import Account
from ratelord_core.model.instant import Micros
from ratelord_core.model.intent import Intent
from ratelord_core.model.pool import MONEY
from ratelord_core.policy.index import Level
from ratelord_core.policy.stack import PolicyStack

_MEMORY = 8192
"""Courses kept; a full table starts anew, so that strangers' names cannot fill memory."""

_Names = tuple[str, str, str, str, str | None, str | None]


class Lane(msgspec.Struct, frozen=True):
    """One pool that an intent draws from, and how long a hold on it lives unless it says so."""

    pool: str
    account: Account
    per_call: float
    usual: int
    """Units of a call of which nobody says or knows more."""
    lifetime: Micros
    unit: str = ""
    declared: bool = False
    """Whether the workload says what a call consumes of it."""

    @property
    def priced(self) -> bool:
        """Whether the price list says what is drawn: of money of which nobody else says it."""
        return self.unit == MONEY and not self.declared

    def units(self, intent: Intent, state: State) -> int:
        """Units to hold: what the intent says of this pool, else its expected cost × what a call
        consumes, else what reports taught, else what a call consumes, else 1. Rounded up.

        What reports taught is nobody's wish, so it never asks for more than an asker can have: one
        report of an absurd cost must not shut its workload out for good."""
        if intent.costs and self.pool in intent.costs:
            return whole(intent.costs[self.pool])
        if intent.expected_cost is not None:
            return whole(intent.expected_cost * self.per_call)
        learned = self.learned(intent, state)
        return self.usual if learned is None else learned

    def learned(self, intent: Intent, state: State) -> int | None:
        """Units that reports taught to expect, never more than an asker can have."""
        learned = state.costs.estimate(intent.workload_id, self.pool)
        if learned is None:
            return None
        most = usable(self.account.capacity, state.settings.high_reserve_percent)
        return learned if most is None else max(1, min(learned, most))


class Course(msgspec.Struct, frozen=True):
    """The way of an intent: its pools, the rules that may bind it, and who asks."""

    binding: Binding
    lanes: tuple[Lane, ...]
    pools: tuple[str, ...]
    levels: tuple[Level, ...]
    asker: Asker
    urgent: Asker

    def needs(self, intent: Intent, state: State) -> list[Need]:
        """What the intent needs of each of its pools, and for how long."""
        if state.prices:
            return self.quote(intent, state)[0]
        return [
            Need(lane.pool, lane.units(intent, state), intent.duration or lane.lifetime)
            for lane in self.lanes
        ]

    def quote(self, intent: Intent, state: State) -> tuple[list[Need], int | None]:
        """What the intent needs, its money by the price list; and what it costs in micro-USD, None
        if nobody knows a price."""
        drawn = {
            lane.pool: lane.units(intent, state)
            for lane in self.lanes
            if not (lane.priced and lane.pool not in intent.costs)
        }
        amounts = [
            Amount(lane.pool, drawn[lane.pool], lane.unit)
            for lane in self.lanes
            if lane.unit != MONEY
        ]
        model = intent.model
        cost = state.prices.cost(amounts + meters(intent.costs, self.pools), model)
        needs = []
        for lane in self.lanes:
            units = drawn.get(lane.pool)
            if units is None:
                units = cost if cost is not None else lane.learned(intent, state) or 0
            needs.append(Need(lane.pool, units, intent.duration or lane.lifetime))
        return needs, cost


class Courses:
    """Courses by names and pin, for as long as graph, configuration and policy stay as they are."""

    def __init__(self, state: State, policy: PolicyStack) -> None:
        self._state = state
        self._policy = policy
        self._shape = state.shape
        self._known: dict[_Names, Course] = {}

    def of(self, intent: Intent) -> Course:
        """The intent's course. Raises ``LookupError`` for a pin that leads nowhere."""
        if self._shape != self._state.shape or len(self._known) > _MEMORY:
            self._shape = self._state.shape
            self._known.clear()
        names = (
            intent.agent_id,
            intent.identity_id,
            intent.workload_id,
            intent.scope_id,
            intent.provider_id,
            intent.pool_id,
        )
        known = self._known.get(names)
        if known is None:
            known = self._known[names] = self._chart(intent)
        return known

    def _chart(self, intent: Intent) -> Course:
        binding = self._state.graph.bind(intent)
        party = (intent.agent_id, intent.identity_id, intent.scope_id)
        lanes = tuple([self._lane(draw) for draw in binding.draws])
        return Course(
            binding,
            lanes,
            tuple([lane.pool for lane in lanes]),
            self._policy.levels(binding, intent),
            Asker(party, binding.weight, urgent=False, workload=intent.workload_id),
            Asker(party, binding.weight, urgent=True, workload=intent.workload_id),
        )

    def _lane(self, draw: Draw) -> Lane:
        account, settings = self._state.ledger.accounts[draw.pool], self._state.settings
        concurrent = account.pool.window.kind == "concurrency"
        lifetime = settings.concurrency_ttl if concurrent else settings.hold_ttl
        declared = draw.consumes is not None
        per_call = 1.0 if draw.consumes is None else draw.consumes
        unit = account.pool.unit
        return Lane(draw.pool, account, per_call, whole(per_call), lifetime, unit, declared)
