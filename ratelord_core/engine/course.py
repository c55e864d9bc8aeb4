"""What is alike in all intents of the same names: resolved once, found by one lookup."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec
from msgspec.structs import replace

from ratelord_core.engine.glance import gates_of
from ratelord_core.engine.prices import Amount, meters
from ratelord_core.engine.state import State
from ratelord_core.engine.units import usable, whole
from ratelord_core.graph import Binding, Draw
from ratelord_core.ledger import Asker, Need
from ratelord_core.ledger.account import Account
from ratelord_core.model.instant import Micros
from ratelord_core.model.intent import Intent
from ratelord_core.model.pool import MONEY
from ratelord_core.policy.gates import Gate
from ratelord_core.policy.index import Level
from ratelord_core.policy.stack import PolicyStack

_MEMORY = 8192
"""Courses kept; a full table starts anew, so that strangers' names cannot fill memory."""
_COSTS = 16
"""Expected costs whose needs a course remembers."""

_Names = tuple[str, str, str, str, str | None, str | None, tuple[str, ...], str | None]


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
    name: str = ""
    """The key of the pool as askers know it: of a part, that of the whole."""
    soft: bool = False
    """Whether it only counts and never binds."""
    short: str = ""
    """How ``costs`` may name it besides, if it belongs to a model."""

    @property
    def priced(self) -> bool:
        """Whether the price list says what is drawn: of money of which nobody else says it."""
        return self.unit == MONEY and not self.declared

    def units(self, intent: Intent, state: State) -> int:
        """Units to hold: what the intent says of this pool, else its expected cost × what a call
        consumes, else what reports taught, else what a call consumes, else 1. Rounded up.

        What reports taught is nobody's wish, so it never asks for more than an asker can have: one
        report of an absurd cost must not shut its workload out for good."""
        if intent.costs:
            named = intent.costs.get(self.name, intent.costs.get(self.short))
            if named is not None:
                return whole(named)
        if intent.expected_cost is not None:
            return whole(intent.expected_cost * self.per_call)
        learned = self.learned(intent, state)
        return self.usual if learned is None else learned

    def learned(self, intent: Intent, state: State) -> int | None:
        """Units that reports taught to expect, never more than an asker can have."""
        learned = state.costs.estimate(intent.workload_id, self.name)
        if learned is None:
            return None
        most = usable(self.account.capacity, state.settings.high_reserve_percent)
        return learned if most is None else max(1, min(learned, most))


class Course(msgspec.Struct, frozen=True):
    """The way of an intent: its pools, the rules that may bind it, and who asks. ``caps`` are the
    pools that it draws from as well if the rule applies whose cap they are; ``soft`` those that
    only count."""

    binding: Binding
    lanes: tuple[Lane, ...]
    pools: tuple[str, ...]
    levels: tuple[Level, ...]
    asker: Asker
    urgent: Asker
    names: tuple[str, ...] = ()
    caps: tuple[Lane, ...] = ()
    soft: frozenset[str] = frozenset()
    gates: tuple[Gate, ...] | None = None
    """Of a plain course, on which nothing but pools and simple rules bind: what tells that none of
    the rules applies; ``looked`` is the trace if so. None of any other course."""
    looked: str = ""
    usual: dict[float, tuple[Need, ...]] = {}
    """Needs by expected cost, of intents that say nothing else."""

    def needs(self, intent: Intent, state: State) -> Sequence[Need]:
        """What the intent needs of each of its pools, and for how long."""
        if state.prices.lists:
            return self.quote(intent, state)[0]
        cost = intent.expected_cost
        if cost is None or intent.costs or intent.duration is not None:
            return self._needs(intent, state)
        known = self.usual.get(cost)
        if known is None:
            if len(self.usual) >= _COSTS:
                self.usual.clear()
            known = self.usual[cost] = self._needs(intent, state)
        return known

    def _needs(self, intent: Intent, state: State) -> tuple[Need, ...]:
        duration = intent.duration
        return tuple(
            [
                Need(lane.pool, lane.units(intent, state), duration or lane.lifetime)
                for lane in self.lanes
            ]
        )

    def capped(
        self, rules: Collection[str], intent: Intent, state: State, cost: int | None
    ) -> tuple[list[Lane], list[Need]]:
        """What it needs of the caps of these rules, which are named by their pools."""
        lanes = [lane for lane in self.caps if lane.name in rules]
        needs = []
        for lane in lanes:
            units = lane.units(intent, state)
            if state.prices.lists and lane.priced and lane.name not in intent.costs:
                units = cost if cost is not None else lane.learned(intent, state) or 0
            needs.append(Need(lane.pool, units, intent.duration or lane.lifetime))
        return lanes, needs

    def quote(self, intent: Intent, state: State) -> tuple[list[Need], int | None]:
        """What the intent needs, its money by the price list; and what it costs in micro-USD, None
        if nobody knows a price."""
        drawn = {
            lane.pool: lane.units(intent, state)
            for lane in self.lanes
            if not (lane.priced and lane.name not in intent.costs)
        }
        amounts = [
            Amount(lane.name, drawn[lane.pool], lane.unit)
            for lane in self.lanes
            if lane.unit != MONEY
        ]
        model = intent.model
        cost = state.prices.cost(amounts + meters(intent.costs, self.names), model)
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
        state = self._state
        if self._shape != state.shape or len(self._known) > _MEMORY:
            self._shape = state.shape
            self._known.clear()
        divisions = state.divisions
        names = (
            intent.agent_id,
            intent.identity_id,
            intent.workload_id,
            intent.scope_id,
            intent.provider_id,
            intent.pool_id,
            divisions.context(intent) if divisions.by_context else (),
            intent.model,
        )
        known = self._known.get(names)
        if known is None:
            known = self._known[names] = self._chart(intent)
        return known

    def _chart(self, intent: Intent) -> Course:
        binding = self._state.graph.bind(intent)
        party = (intent.agent_id, intent.identity_id, intent.scope_id)
        levels = self._policy.levels(binding, intent)
        ways = [self._lane(draw, intent) for draw in draws_of(binding, levels)]
        at_times = self._policy.caps_at_times
        lanes = tuple([lane for lane in ways if lane.name not in at_times])
        groups = self._state.groups(intent.dimensions)
        asker = Asker(
            party, binding.weight, urgent=False, workload=intent.workload_id, groups=groups
        )
        return Course(
            binding,
            lanes,
            tuple([lane.pool for lane in lanes]),
            levels,
            asker,
            replace(asker, urgent=True),
            tuple([lane.name for lane in lanes]),
            tuple([lane for lane in ways if lane.name in at_times]),
            frozenset([lane.pool for lane in ways if lane.soft]),
            gates_of(levels) if self._is_plain(ways) else None,
            ",".join([level.looked for level in levels]),
        )

    def _is_plain(self, ways: Sequence[Lane]) -> bool:
        """Whether nothing but what is asked for is drawn, always, each pool once, and it binds."""
        odd = any(lane.soft or lane.name in self._policy.caps_at_times for lane in ways)
        once = len({lane.pool for lane in ways}) == len(ways)
        return bool(ways) and once and not odd and not self._state.prices.lists

    def _lane(self, draw: Draw, intent: Intent) -> Lane:
        state, settings = self._state, self._state.settings
        key = state.divisions.drawn(state, draw.pool, intent)
        account = state.ledger.accounts[key]
        concurrent = account.pool.window.kind == "concurrency"
        lifetime = settings.concurrency_ttl if concurrent else settings.hold_ttl
        lifetime = min(lifetime, account.pool.hold_for or lifetime)
        declared = draw.consumes is not None
        per_call = 1.0 if draw.consumes is None else draw.consumes
        pool = account.pool
        return Lane(
            key,
            account,
            per_call,
            whole(per_call),
            lifetime,
            pool.unit,
            declared,
            draw.pool,
            pool.soft,
            pool.short_key,
        )


def draws_of(binding: Binding, levels: tuple[Level, ...]) -> tuple[Draw, ...]:
    """What an intent may draw from: what binds it, and what policies of these pools cap."""
    rules = (rule for level in levels for rule, _ in level.candidates if rule.cap and rule.of_pool)
    return (*binding.draws, *(Draw(cap) for cap in dict.fromkeys(rule.cap for rule in rules)))
