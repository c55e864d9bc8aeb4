"""Answers what binds an intent, from indexes that grow and shrink with the declarations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ratelord_core.graph import Binding, Draw
from ratelord_core.model.config import AgentConfig, Topology, WorkloadConfig
from ratelord_core.model.intent import Intent
from ratelord_core.model.pool import Pool
from ratelord_networkx.accounts import AccountIndex, is_of_another_model
from ratelord_networkx.caps import CapIndex, label_names
from ratelord_networkx.patterns import PatternTable
from ratelord_networkx.pins import Pin, pinned
from ratelord_networkx.scopes import ScopeTree

_NO_WORKLOAD = WorkloadConfig()
_NOBODY = AgentConfig()
REMEMBERED = 8192
"""So many answers are kept at least; at most twice as many."""


class _Question(NamedTuple):
    agent: str
    identity: str
    workload: str
    scope: str
    provider: str | None
    pool: str | None
    model: str | None


class Binder:
    """The compiled index behind ``bind``.

    Every part of an answer is a dictionary lookup, so it costs what the answer is long, not what
    the graph is large. Answers are remembered in two generations: when the younger is full the
    older is dropped, so memory stays bounded whatever is asked.
    """

    def __init__(self) -> None:
        self._topology = Topology()
        self._pools: dict[str, Pool] = {}
        self.accounts = AccountIndex()
        self.caps = CapIndex()
        self._scopes = ScopeTree({})
        self._agents: PatternTable[AgentConfig] = PatternTable()
        self._labels: dict[str, Mapping[str, str]] = {}
        self._young: dict[_Question, Binding] = {}
        self._old: dict[_Question, Binding] = {}

    def configure(self, topology: Topology, pools: Iterable[Pool]) -> None:
        """Start anew from these declarations; registered identities must be registered again."""
        self._topology = topology
        self._pools, self._labels = {}, {}
        self.accounts, self.caps = AccountIndex(), CapIndex()
        self.accounts.declare(topology.providers)
        self._scopes = ScopeTree(topology.scopes)
        self._agents = PatternTable(topology.agents)
        for pool in pools:
            self.put_pool(pool)
        self._forget()

    def put_pool(self, pool: Pool) -> None:
        """Add or replace a pool."""
        before = self._pools.get(pool.key)
        self._pools[pool.key] = pool
        if before is not None and _binds_alike(before, pool):
            return
        if before is not None:
            _index(self, before).remove(before)
        _index(self, pool).add(pool)
        self._forget()

    def register(
        self, identity: str, provider: str | None, labels: Mapping[str, str] | None = None
    ) -> None:
        """Remember with which provider an identity is registered, and its labels."""
        self.accounts.register(identity, provider)
        self._labels.pop(identity, None)
        if labels:
            self._labels[identity] = labels
        self._forget()

    def chain(self, scope: str) -> tuple[str, ...]:
        """The scope and its ancestors."""
        return self._scopes.chain(scope)[0]

    def bind(self, intent: Intent) -> Binding:
        """What binds this intent. Raises ``LookupError`` for a pin that leads nowhere."""
        question = _Question(
            intent.agent_id,
            intent.identity_id,
            intent.workload_id,
            intent.scope_id,
            intent.provider_id,
            intent.pool_id,
            intent.model if self.accounts.by_model else None,
        )
        known = self._young.get(question)
        if known is not None:
            return known
        answer = self._old.get(question) or self._answer(question)
        if len(self._young) >= REMEMBERED:
            self._old, self._young = self._young, {}
        self._young[question] = answer
        return answer

    def _forget(self) -> None:
        if self._young or self._old:
            self._young, self._old = {}, {}

    def _answer(self, asked: _Question) -> Binding:
        scopes, warnings = self._scopes.chain(asked.scope)
        consumes = self._topology.workloads.get(asked.workload, _NO_WORKLOAD).consumes
        agent = next(self._agents.every(asked.agent), _NOBODY)
        labels = label_names(agent.labels, self._labels.get(asked.identity, {}))
        found = self.caps.binding(asked.agent, asked.identity, asked.workload, scopes, labels)
        caps = {key: pool for key, pool in found.items() if pool.default or key in consumes}
        if asked.provider is None and asked.pool is None:
            provided, more = self._unpinned(asked, consumes)
        else:
            pin = Pin(asked.identity, asked.provider, asked.pool, self._pools, asked.model)
            provided, more = pinned(self.accounts, caps, pin, consumes)
        draws = dict(sorted(provided.items()))
        draws.update((key, consumes.get(key)) for key in sorted(caps) if key not in draws)
        warnings += more
        if not draws:
            warnings += (self._nothing(asked),)
        return Binding(
            draws=tuple(Draw(key, units) for key, units in draws.items()),
            scopes=scopes,
            warnings=warnings,
            weight=agent.weight,
        )

    def _unpinned(
        self, asked: _Question, consumes: dict[str, float]
    ) -> tuple[dict[str, float | None], tuple[str, ...]]:
        listed = {key: units for key, units in consumes.items() if not self._is_cap(key)}
        if not listed:
            found = self.accounts.defaults(asked.identity, model=asked.model)
            return {pool.key: None for pool in found}, ()
        provided: dict[str, float | None] = {}
        warnings: list[str] = []
        elsewhere = False
        for key, units in listed.items():
            pool = self.accounts.own(asked.identity, key) or self._pools.get(key)
            if pool is None:
                warnings.append(
                    f"workload {asked.workload} consumes from pool {key}, which nobody has "
                    "declared or reported yet; nothing is drawn from it"
                )
            elif is_of_another_model(pool, asked.model):
                elsewhere = True
            elif self.accounts.may_draw(asked.identity, pool):
                provided[pool.key] = units
        if not provided and not warnings and not elsewhere:
            warnings.append(
                f"identity {asked.identity} may draw from none of the pools that workload "
                f"{asked.workload} consumes from; add it to their members or register it with "
                "their provider"
            )
        return provided, tuple(warnings)

    def _is_cap(self, key: str) -> bool:
        pool = self._pools.get(key)
        return pool is not None and pool.local

    def _nothing(self, asked: _Question) -> str:
        return (
            f"no pool binds agent {asked.agent} with identity {asked.identity}, so nothing is "
            "counted; declare a pool that it shares, or register the identity with a provider"
        )


def _index(binder: Binder, pool: Pool) -> AccountIndex | CapIndex:
    return binder.caps if pool.local else binder.accounts


def _binds_alike(one: Pool, other: Pool) -> bool:
    return (one.local, one.members, one.shared_by, one.default, one.models) == (
        other.local,
        other.members,
        other.shared_by,
        other.default,
        other.models,
    )
