"""Other ways to act: those that a rule wants, and those that the asker could choose instead.

Every way is weighed like a question of its own, from the top of the policy, and holds what it
needs itself: nothing is taken from a pool that has not got it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import msgspec
from msgspec.structs import replace

from ratelord_core.engine.state import State
from ratelord_core.engine.weighed import Weighed
from ratelord_core.ledger import Figures
from ratelord_core.model.config import WorkloadConfig
from ratelord_core.model.instant import SECOND, Micros
from ratelord_core.model.intent import Intent
from ratelord_core.model.pool import MONEY, declared_key
from ratelord_core.policy.action import Instead, Way
from ratelord_core.policy.verdict import Routed

MOST_WAYS = 8
"""Ways that are weighed for one intent at most."""
MOST_ALTERNATIVES = 4
LONG: Micros = 10 * SECOND
"""A wait from which on alternatives are looked for."""

_NO_SHAPE = WorkloadConfig()

Weigh = Callable[[Intent, Way], Weighed | None]


class Found(msgspec.Struct, frozen=True):
    """How it will be done, by which rule if not as asked, and what else would be allowed."""

    chosen: Weighed
    by: Routed | None = None
    alternatives: tuple[Weighed, ...] = ()
    warnings: tuple[str, ...] = ()


class Substitution:
    """Looks for ways to act, a bounded number of them."""

    def __init__(self, state: State, asked: Weighed, weigh: Weigh) -> None:
        self._state = state
        self._asked = asked
        self._weigh = weigh
        self._left = MOST_WAYS
        self._seen: dict[Way, Weighed | None] = {}

    def find(self) -> Found:
        """The way that the first rule wants that has one to offer, else as asked."""
        asked = self._asked
        chosen, by = asked, None
        warnings: list[str] = []
        for routed in asked.verdict.instead:
            best = self._best(routed.effect)
            if best is None or self._is_as_asked(best):
                if not list(self._all(routed.effect.ways)):
                    warnings.append(f"{routed.reason}; but nothing that it names is allowed now")
                continue
            if not routed.effect.suggest:
                chosen, by = best, routed
                break
            warnings.append(f"{routed.reason}; consider {_in_words(best)}")
        others = self._others(chosen) if warnings or _is_slow(chosen) else ()
        return Found(chosen, by, tuple(others), tuple(warnings))

    def _is_as_asked(self, weighed: Weighed) -> bool:
        return weighed.intent == self._asked.intent

    # --- what a rule wants --------------------------------------------------------------------

    def _best(self, wanted: Instead) -> Weighed | None:
        asked = self._asked
        options = list(self._all(wanted.ways))
        if wanted.by == "weight":
            return _by_chance(options)
        if wanted.by == "order":
            first = next((each for each in options if each.start <= asked.start), None)
            return first or min(options, key=lambda each: each.start, default=None)
        rank = _room if wanted.by == "headroom" else _price
        with_asked = [asked, *options] if asked.allowed else options
        return min(with_asked, key=rank, default=None)

    def _all(self, ways: Iterable[Way]) -> Iterator[Weighed]:
        """Each way that is allowed."""
        for way in ways:
            for each in self._named(way):
                found = self._look(each)
                if found is not None and found.allowed and self._counts(found):
                    yield found

    def _counts(self, found: Weighed) -> bool:
        """Whether it is limited where what was asked for is: a way past every pool is none."""
        asked, other = self._drawn(self._asked), self._drawn(found)
        return (bool(other) or not asked) and (any(other.values()) or not any(asked.values()))

    def _drawn(self, weighed: Weighed) -> dict[str, bool]:
        """The pools drawn from but for money, and whether a provider enforces them."""
        pools = [self._state.ledger.accounts[need.pool].pool for need in weighed.needs]
        return {pool.key: not pool.local for pool in pools if pool.unit != MONEY}

    def _look(self, way: Way) -> Weighed | None:
        if way not in self._seen:
            other = self._changed(way)
            if other == self._asked.intent:
                return replace(self._asked, way=way)
            if other is None or not self._left:
                return None
            self._left -= 1
            self._seen[way] = self._weigh(other, way)
        return self._seen[way]

    def _named(self, way: Way) -> Iterator[Way]:
        if way.kind != "degrade" or way.name:
            yield way
            return
        for smaller in self._shape.degrade:
            yield Way("degrade", smaller)

    @property
    def _shape(self) -> WorkloadConfig:
        workload = self._asked.intent.workload_id
        return self._state.topology.workloads.get(workload, _NO_SHAPE)

    def _changed(self, way: Way) -> Intent | None:
        """The intent as it would be asked in that way; None if there is no such way."""
        intent = self._asked.intent
        if way.kind == "identity_switch":
            return replace(intent, identity_id=way.name)
        if way.kind == "degrade":
            return replace(intent, workload_id=way.name)
        if way.kind == "protocol_switch":
            name = self._shape.protocols.get(way.name)
            return None if name is None else replace(intent, workload_id=name)
        if way.kind == "route":
            pinned = way.provider_id is not None or way.pool_id is not None
            return replace(
                intent,
                provider_id=way.provider_id if pinned else intent.provider_id,
                pool_id=way.pool_id if pinned else intent.pool_id,
                model=way.model or intent.model,
            )
        return self._limited(way.most)

    def _limited(self, most: int) -> Intent:
        """The intent with no draw above ``most``; what is only counted shrinks in proportion."""
        intent, units = self._asked.intent, self._counted()
        largest = max(units.values(), default=0)
        if largest <= most:
            return intent
        costs = {key: cost * most / largest for key, cost in intent.costs.items()}
        costs |= {pool: float(min(drawn, most)) for pool, drawn in units.items()}
        return replace(intent, expected_cost=None, costs=costs)

    def _counted(self) -> dict[str, int]:
        """What it draws, but for money, which follows."""
        accounts = self._state.ledger.accounts
        needs = self._asked.needs
        return {
            declared_key(each.pool): each.units
            for each in needs
            if accounts[each.pool].pool.unit != MONEY
        }

    def _figures(self, name: str) -> Figures:
        """The account of a pool that it draws from, by the pool's name."""
        figures = self._asked.moment.figures
        return next(figures[key] for key in figures if declared_key(key) == name)

    # --- what the asker could choose ----------------------------------------------------------

    def _others(self, chosen: Weighed) -> Iterable[Weighed]:
        """Ways that begin no later than what is answered: offered by a rule, or declared."""
        offered = [way for routed in self._asked.verdict.instead for way in routed.effect.ways]
        ways = [each for way in offered for each in self._named(way)]
        if _is_slow(chosen):
            ways += [Way("degrade", name) for name in self._shape.degrade]
            ways += [Way("protocol_switch", name) for name in self._shape.protocols]
            ways += self._less()
        better: dict[str, Weighed] = {}
        for each in self._all(dict.fromkeys(ways)):
            if each.intent in (chosen.intent, self._asked.intent) or each.start > chosen.start:
                continue
            less = each.way is not None and each.way.kind == "max_cost"
            better.setdefault("less" if less else str(each.way), each)
        return list(islice(better.values(), MOST_ALTERNATIVES))

    def _less(self) -> Iterator[Way]:
        """As much as is left now, with and without what is kept for urgent work."""
        short = []
        for pool, units in self._counted().items():
            figures = self._figures(pool)
            if figures.limit and units > figures.available:
                kept = math.ceil(figures.limit * self._state.settings.high_reserve_percent / 100)
                short.append((figures.available, max(0, figures.available - kept)))
        for most in dict.fromkeys(map(min, zip(*short, strict=True))):
            if most > 0:
                yield Way("max_cost", most=most)


def _is_slow(weighed: Weighed) -> bool:
    return not weighed.allowed or weighed.start - weighed.moment.now >= LONG


def _room(weighed: Weighed) -> tuple[float, float]:
    return weighed.start, -weighed.headroom()


def _price(weighed: Weighed) -> tuple[float, float]:
    return weighed.price(), weighed.start


def _by_chance(options: list[Weighed]) -> Weighed | None:
    """One of those that can start soonest, in proportion to their weights."""
    soonest = min((each.start for each in options), default=0)
    able = [each for each in options if each.start == soonest]
    parts = [int(1000 * each.way.weight) if each.way else 0 for each in able]
    if not sum(parts):
        return able[0] if able else None
    drawn = able[0].moment.jitter(sum(parts) - 1)
    for each, part in zip(able, parts, strict=True):
        if drawn < part:
            return each
        drawn -= part
    return able[-1]


def _in_words(weighed: Weighed) -> str:
    ((kind, value),) = weighed.modification().items()
    if isinstance(value, dict):
        value = ", ".join(value.values())
    price = "" if weighed.moment.cost is None else f" for {weighed.moment.cost} micro-USD"
    return f"{kind.replace('_', ' ')} {value}{price}"
