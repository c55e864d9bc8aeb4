"""What binds an intent, found by looking at everything: slow, and the measure of every graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ratelord_core.model.config import Topology, WorkloadConfig
from ratelord_core.model.ids import ROOT_SCOPE
from ratelord_core.model.intent import Intent
from ratelord_core.model.pool import Pool


class NaiveGraph:
    """Declarations in plain collections; every question scans them all.

    ``registered`` maps an identity to the provider that it is registered with.
    """

    def __init__(
        self, topology: Topology, pools: Iterable[Pool], registered: Mapping[str, str]
    ) -> None:
        self.topology = topology
        self.pools = {pool.key: pool for pool in pools}
        self.registered = registered

    def scopes(self, scope: str) -> tuple[str, ...]:
        """From the scope to ``global``; a cycle is cut where it closes."""
        chain = [scope]
        while chain[-1] != ROOT_SCOPE:
            parent = self._parent(chain[-1])
            chain.append(ROOT_SCOPE if parent in chain else parent)
        return tuple(chain)

    def draws(self, intent: Intent) -> dict[str, float | None] | None:
        """Units per call by pool; None if the pin leads nowhere."""
        consumes = self.topology.workloads.get(intent.workload_id, WorkloadConfig()).consumes
        caps = {
            key
            for key, pool in self.pools.items()
            if pool.local and (pool.default or key in consumes) and self._binds(pool, intent)
        }
        provided = self._provided(intent, consumes, caps)
        if provided is None:
            return None
        return {**{key: consumes.get(key) for key in caps}, **provided}

    def _provided(
        self, intent: Intent, consumes: Mapping[str, float], caps: set[str]
    ) -> dict[str, float | None] | None:
        if intent.pool_id is not None:
            return self._exactly(intent, consumes, caps)
        if intent.provider_id is not None:
            return self._of(intent.provider_id, intent.identity_id, consumes)
        listed = [key for key in consumes if key not in self.pools or not self.pools[key].local]
        if not listed:
            return self._defaults(intent.identity_id)
        return self._usable(intent.identity_id, {key: consumes[key] for key in listed})

    def _exactly(
        self, intent: Intent, consumes: Mapping[str, float], caps: set[str]
    ) -> dict[str, float | None] | None:
        found: dict[str, float | None] = {}
        for key, pool in self.pools.items():
            if intent.provider_id not in {None, pool.provider_id}:
                continue
            base = self._base(pool, intent.identity_id) or key
            if intent.pool_id not in {key, pool.pool_id, base, base.partition("/")[2]}:
                continue
            if key in caps or (not pool.local and self._may(pool, intent.identity_id)):
                chosen = self._own(intent.identity_id, key) or pool
                units = consumes.get(self._base(chosen, intent.identity_id) or chosen.key)
                found[chosen.key] = consumes.get(chosen.key, units)
        return found if len(found) == 1 else None

    def _of(
        self, provider: str, identity: str, consumes: Mapping[str, float]
    ) -> dict[str, float | None] | None:
        own = [pool for pool in self.pools.values() if pool.provider_id == provider]
        provided = [pool for pool in own if not pool.local]
        if provider not in self.topology.providers and not provided:
            return None
        listed = {k: units for k, units in consumes.items() if k.partition("/")[0] == provider}
        usable = self._usable(identity, listed)
        if usable:
            return usable
        defaults = self._defaults(identity)
        chosen = {k: v for k, v in defaults.items() if k.partition("/")[0] == provider}
        if chosen or any(self._may(pool, identity) for pool in provided):
            return chosen
        return {} if not provided and self._in_account(identity, provider) else None

    def _usable(self, identity: str, listed: Mapping[str, float]) -> dict[str, float | None]:
        found: dict[str, float | None] = {}
        for key, units in listed.items():
            pool = self._own(identity, key) or self.pools.get(key)
            if pool is not None and not pool.local and self._may(pool, identity):
                found[pool.key] = units
        return found

    def _defaults(self, identity: str) -> dict[str, float | None]:
        usable = [p for p in self.pools.values() if not p.local and self._may(p, identity)]
        chosen = [self._own(identity, pool.key) or pool for pool in usable]
        return {pool.key: None for pool in chosen if pool.default}

    def _own(self, identity: str, key: str) -> Pool | None:
        provider, _, pool_id = key.partition("/")
        pool = self.pools.get(f"{provider}/{identity}/{pool_id}")
        return None if pool is None or pool.local or pool.members != (identity,) else pool

    def _base(self, pool: Pool, identity: str) -> str | None:
        return self._base_of_any(pool) if pool.members == (identity,) else None

    def _base_of_any(self, pool: Pool) -> str | None:
        if pool.local or len(pool.members) != 1:
            return None
        head = f"{pool.members[0]}/"
        if not pool.pool_id.startswith(head):
            return None
        return f"{pool.provider_id}/{pool.pool_id[len(head) :]}"

    def _may(self, pool: Pool, identity: str) -> bool:
        if identity in pool.members:
            return True
        declared = self.topology.providers.get(pool.provider_id)
        of_account = pool.members == (declared,) and self._base_of_any(pool) is None
        return (not pool.members or of_account) and self._in_account(identity, pool.provider_id)

    def _in_account(self, identity: str, provider: str) -> bool:
        declared = self.topology.providers.get(provider)
        return declared in {None, identity} or self.registered.get(identity) == provider

    def _binds(self, pool: Pool, intent: Intent) -> bool:
        if pool.members and intent.identity_id not in pool.members:
            return False
        if not pool.shared_by:
            return True
        names = {
            "agent": (intent.agent_id,),
            "identity": (intent.identity_id,),
            "workload": (intent.workload_id,),
            "scope": self.scopes(intent.scope_id),
        }
        spelled = [text for kind in names for n in names[kind] for text in (n, f"{kind}:{n}")]
        spelled += [f"label:{key}:{value}" for key, value in self._labels(intent)]
        return any(_matches(pattern, text) for pattern in pool.shared_by for text in spelled)

    def _labels(self, intent: Intent) -> list[tuple[str, str]]:
        agents = self.topology.agents
        fitting = [pattern for pattern in agents if _matches(pattern, intent.agent_id)]
        fitting.sort(key=lambda pattern: (not pattern.endswith("*"), len(pattern)), reverse=True)
        found = [item for pattern in fitting[:1] for item in agents[pattern].labels.items()]
        for identity in self.topology.identities:
            # a later registration replaces what was declared, and here it has no labels
            if identity.identity_id == intent.identity_id not in self.registered:
                found += identity.labels.items()
        return found

    def _parent(self, scope: str) -> str:
        fitting = [pattern for pattern in self.topology.scopes if _matches(pattern, scope)]
        fitting.sort(key=lambda pattern: (not pattern.endswith("*"), len(pattern)), reverse=True)
        parents = (self.topology.scopes[pattern] for pattern in fitting)
        return next((parent for parent in parents if parent != scope), ROOT_SCOPE)


def _matches(pattern: str, text: str) -> bool:
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern
