"""What an agent really does, and what that costs the provider."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from random import Random

from msgspec.structs import replace

from ratelord_core.engine import State
from ratelord_core.model.config import WorkloadConfig
from ratelord_core.model.decision import Decision, Modifications
from ratelord_core.model.intent import Intent
from ratelord_core.model.pool import MONEY
from ratelord_sim.scenario.obedience import WAYS, parts_of

_PLAIN = WorkloadConfig()
_Course = tuple[str, str, str | None, str | None, str | None]


class Deeds:
    """One agent's actions. ``state`` only tells which pools an action draws from, which is never
    learnt from what was held: or the truth would follow the estimate."""

    def __init__(self, spread: float, state: State, chance: Random) -> None:
        self._spread = spread
        self._state = state
        self._chance = chance
        self._draws: dict[_Course, dict[str, float]] = {}

    def units(self, asked: Intent, answer: Decision, heeded: AbstractSet[str]) -> dict[str, int]:
        """What the action really costs, by pool: what such an action usually costs, more or less by
        the spread; without one just what was held. An agent that goes by none of an answer's ways
        does what it asked for, wherever that draws from."""
        ways = parts_of(answer).intersection(WAYS)
        if answer.allowed and not self._spread and ways <= heeded:
            return {line.pool: line.units for line in answer.holds}
        done = as_done(asked, answer.modifications, ways & heeded, self._state)
        factor = 1 + self._spread * (2 * self._chance.random() - 1)
        most = answer.modifications.max_cost if "max_cost" in heeded else None
        found = {pool: max(0, round(units * factor)) for pool, units in self._usual(done).items()}
        return {pool: units if most is None else min(units, most) for pool, units in found.items()}

    def _usual(self, intent: Intent) -> dict[str, float]:
        calls = 1.0 if intent.expected_cost is None else intent.expected_cost
        return {
            pool: intent.costs.get(pool, calls * per_call)
            for pool, per_call in self._drawn(intent).items()
        }

    def _drawn(self, intent: Intent) -> dict[str, float]:
        course = (
            intent.identity_id, intent.workload_id,
            intent.provider_id, intent.pool_id, intent.model,
        )  # fmt: skip
        found = self._draws.get(course)
        if found is None:
            draws = self._state.graph.bind(intent).draws
            found = {draw.pool: draw.consumes or 1.0 for draw in draws if self._counts(draw.pool)}
            self._draws[course] = found
        return found

    def _counts(self, pool: str) -> bool:
        """Whether actions count there: money that has prices follows from what they count."""
        return not self._state.prices or self._state.ledger.accounts[pool].pool.unit != MONEY


def as_done(
    asked: Intent, changes: Modifications, heeded: AbstractSet[str], state: State
) -> Intent:
    """The intent as it is done by an agent that applies these changes of an answer."""
    done = asked
    if "identity_switch" in heeded and changes.identity_switch:
        done = replace(done, identity_id=changes.identity_switch)
    if "protocol_switch" in heeded and changes.protocol_switch:
        shape = state.topology.workloads.get(asked.workload_id, _PLAIN)
        name = shape.protocols.get(changes.protocol_switch, asked.workload_id)
        done = replace(done, workload_id=name)
    if "degrade" in heeded and changes.degrade:
        done = replace(done, workload_id=changes.degrade)
    if "route" in heeded and changes.route:
        done = _routed(done, changes.route)
    return done


def _routed(intent: Intent, route: dict[str, str]) -> Intent:
    pinned = "provider_id" in route or "pool_id" in route
    return replace(
        intent,
        provider_id=route.get("provider_id") if pinned else intent.provider_id,
        pool_id=route.get("pool_id") if pinned else intent.pool_id,
        model=route.get("model", intent.model),
    )
