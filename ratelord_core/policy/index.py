"""Which rules may bind an intent: found by dict lookups, so that their number does not matter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from ratelord_core.graph.protocol import Binding
from ratelord_core.model.config import PolicyConfig
from ratelord_core.model.ids import ROOT_SCOPE
from ratelord_core.model.intent import Intent
from ratelord_core.policy.gates import Gate, gates
from ratelord_core.policy.rule import Rule
from ratelord_core.policy.trace import Look, pack

_MEMORY = 4096
"""Answers kept per table; a full table starts anew, so that strangers' names cannot fill memory."""


class Level(msgspec.Struct, frozen=True):
    """The candidates of one level in the order in which they are looked at, each with the pool
    that it means (None: the tightest)."""

    name: str
    candidates: tuple[tuple[Rule, str | None], ...]
    looked: str = ""
    """The trace, packed, when none of them applies."""
    caps: bool = False
    """Whether any of them brings a cap along: an approval does not lift a cap."""
    gates: tuple[Gate, ...] = ()
    """What tells at a glance that none of them applies, where something does."""


class _Table:
    """Rules by name, or by pattern with a ``*`` at its end."""

    def __init__(self) -> None:
        self._exact: dict[str, list[Rule]] = {}
        self._prefixes: dict[str, list[Rule]] = {}
        self._known: dict[str, tuple[Rule, ...]] = {}

    def add(self, name: str, rules: Iterable[Rule]) -> None:
        table = self._prefixes if name.endswith("*") else self._exact
        table.setdefault(name.removesuffix("*"), []).extend(rules)

    def __bool__(self) -> bool:
        return bool(self._exact or self._prefixes)

    def of(self, name: str) -> tuple[Rule, ...]:
        """The rules for one name, by a pattern or exactly."""
        if not self._prefixes:
            return tuple(self._exact.get(name, ()))
        known = self._known.get(name)
        if known is None:
            if len(self._known) >= _MEMORY:
                self._known.clear()
            known = self._known[name] = tuple(self._find(name))
        return known

    def _find(self, name: str) -> list[Rule]:
        found = list(self._exact.get(name, ()))
        for end in range(len(name) + 1):
            found += self._prefixes.get(name[:end], ())
        return found


class RuleIndex:
    """Finds the levels of an intent, from the top down, and remembers them by what binds it."""

    def __init__(self, policies: Sequence[tuple[PolicyConfig, list[Rule]]]) -> None:
        self._global: list[Rule] = []
        self._tables = {prefix: _Table() for prefix in ("scope", "pool", "identity", "agent")}
        for policy, rules in policies:
            if not rules:
                continue
            if policy.scope == ROOT_SCOPE:
                self._global += rules
                continue
            kind, _, name = policy.scope.partition(":")
            if kind in ("pool", "identity", "agent"):
                self._tables[kind].add(name, rules)
                if kind != "pool":  # an id may itself be written type:value
                    self._tables[kind].add(policy.scope, rules)
            else:
                self._tables["scope"].add(policy.scope, rules)
        self._empty = not self._global and not any(self._tables.values())
        self._known: dict[tuple[object, ...], tuple[Level, ...]] = {}

    def levels(self, binding: Binding, intent: Intent) -> tuple[Level, ...]:
        """The levels that hold at least one candidate."""
        if self._empty:
            return ()
        pools = tuple([draw.pool for draw in binding.draws]) if self._tables["pool"] else ()
        scopes = binding.scopes if self._tables["scope"] else ()
        identity = intent.identity_id if self._tables["identity"].of(intent.identity_id) else ""
        agent = intent.agent_id if self._tables["agent"].of(intent.agent_id) else ""
        key = (pools, scopes, identity, agent)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _MEMORY:
                self._known.clear()
            known = self._known[key] = tuple(self._find(pools, scopes, identity, agent))
        return known

    def _find(
        self, pools: Sequence[str], scopes: Sequence[str], identity: str, agent: str
    ) -> Iterable[Level]:
        scope_table = self._tables["scope"]
        levels = [_level("global", [(rule, None) for rule in self._global])]
        levels += (
            _level(scope, [(rule, None) for rule in scope_table.of(scope)])
            for scope in reversed(scopes)
        )
        drawn = [(rule, pool) for pool in pools for rule in self._tables["pool"].of(pool)]
        levels.append(_level("pool", drawn))
        who = self._tables["identity"].of(identity) if identity else ()
        who += self._tables["agent"].of(agent) if agent else ()
        levels.append(_level("identity/agent", [(rule, None) for rule in who]))
        return (level for level in levels if level.candidates)


def _level(name: str, candidates: Sequence[tuple[Rule, str | None]]) -> Level:
    ordered = sorted(candidates, key=lambda each: (*each[0].order, each[1] or ""))
    looked = pack(Look(rule.number, "", focus or "") for rule, focus in ordered)
    caps = any(rule.cap for rule, _ in ordered)
    shut = gates([rule.gate for rule, _ in ordered], {focus for _, focus in ordered})
    return Level(name, tuple(ordered), looked, caps, shut)
