"""Which local caps bind an intent: patterns over agents, identities, workloads and scopes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from ratelord_core.model.pool import Pool
from ratelord_networkx.patterns import PatternTable

KINDS = ("agent", "identity", "workload", "scope")
"""The typed prefixes that a pattern may carry to name one dimension only."""
_ALL = frozenset({"*", *(f"{kind}:*" for kind in KINDS)})


class CapIndex:
    """Local pools by the patterns that they are shared by.

    A pattern matches a plain name (``crawler-01``, ``org:acme``), a typed one
    (``agent:crawler-01``, ``scope:org:acme``), or a label of agent or identity
    (``label:team:red``). A cap with members but no patterns binds its
    members, a cap with neither binds everybody, and a cap with both binds members that match.
    """

    def __init__(self) -> None:
        self._by_pattern: PatternTable[dict[str, Pool]] = PatternTable()
        self._by_member: dict[str, dict[str, Pool]] = {}

    def add(self, pool: Pool) -> None:
        """Index a local pool."""
        for pattern in _patterns(pool):
            found = self._by_pattern.get(pattern)
            if found is None:
                found = {}
                self._by_pattern.put(pattern, found)
            found[pool.key] = pool
        if not pool.shared_by:
            for member in pool.members:
                self._by_member.setdefault(member, {})[pool.key] = pool

    def remove(self, pool: Pool) -> None:
        """Forget a local pool, as it was added."""
        for pattern in _patterns(pool):
            found = self._by_pattern.get(pattern) or {}
            found.pop(pool.key, None)
            if not found:
                self._by_pattern.drop(pattern)
        if not pool.shared_by:
            for member in pool.members:
                found = self._by_member.get(member, {})
                found.pop(pool.key, None)
                if not found:
                    self._by_member.pop(member, None)

    def binding(
        self,
        agent: str,
        identity: str,
        workload: str,
        scopes: tuple[str, ...],
        labels: Iterable[str] = (),
    ) -> dict[str, Pool]:
        """The caps that bind these names, by key; ``labels`` as ``label:KEY:VALUE``."""
        found = dict(self._by_member.get(identity, {}))
        for name in chain(_names(agent, identity, workload, scopes), labels):
            for pools in self._by_pattern.every(name):
                found.update(
                    (key, pool)
                    for key, pool in pools.items()
                    if not pool.members or identity in pool.members
                )
        return found

    def naming(self, kind: str, name: str) -> Iterator[Pool]:
        """The caps whose patterns single out this agent, identity, workload or scope; ``*`` and
        ``agent:*`` single out nobody."""
        seen: set[str] = set()
        for text in (name, f"{kind}:{name}"):
            for pools in self._by_pattern.every(text):
                for key, pool in pools.items():
                    if key not in seen and _ALL.isdisjoint(pool.shared_by) and pool.shared_by:
                        seen.add(key)
                        yield pool


def label_names(*owners: Mapping[str, str]) -> Iterator[str]:
    """How patterns name the labels of agent and identity."""
    for labels in owners:
        for key, value in labels.items():
            yield f"label:{key}:{value}"


def _patterns(pool: Pool) -> tuple[str, ...]:
    if pool.shared_by:
        return pool.shared_by
    return () if pool.members else ("*",)


def _names(agent: str, identity: str, workload: str, scopes: tuple[str, ...]) -> Iterator[str]:
    for kind, name in (("agent", agent), ("identity", identity), ("workload", workload)):
        yield name
        yield f"{kind}:{name}"
    for scope in scopes:
        yield scope
        yield f"scope:{scope}"
