"""The constraint graph: networkx for those who read it, a compiled index for those who ask."""

from __future__ import annotations

import difflib
from itertools import islice

import networkx as nx

from ratelord_core.graph import Binding, Snapshot
from ratelord_core.model.config import Topology
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.identity import Identity
from ratelord_core.model.intent import Intent
from ratelord_core.model.pool import Pool
from ratelord_networkx.binder import Binder
from ratelord_networkx.caps import KINDS
from ratelord_networkx.drawing import Drawing, read_edge, read_node
from ratelord_networkx.explaining import sentence

_KINDS = ("agent", "identity", "workload", "scope", "provider", "pool", "resource", "constraint")


class NetworkxGraph:
    """One writer changes it; a snapshot is drawn when somebody reads, once per version, so that
    neither asking nor changing ever pays for readers."""

    def __init__(self) -> None:
        self._version = 0
        self._topology = Topology()
        self._configured: dict[str, Pool] = {}
        self._reported: dict[str, Pool] = {}
        self._registered: dict[str, Identity] = {}
        self._uses: dict[str, set[str]] = {}
        self._workloads: set[str] = set()
        self._scopes: set[str] = set()
        self._binder = Binder()
        self._drawing = Drawing()
        self._snapshot: Snapshot | None = None

    @property
    def version(self) -> int:
        """Grows with every change."""
        return self._version

    def configure(self, topology: Topology, pools: tuple[Pool, ...]) -> None:
        """Replace what the configuration declared. Pools that providers reported stay, unless their
        provider was declared before and is no more; for the same key the declaration rules."""
        gone = self._topology.providers.keys() - topology.providers.keys()
        self._configured = {pool.key: pool for pool in pools}
        self._reported = {
            key: pool
            for key, pool in self._reported.items()
            if pool.provider_id not in gone and key not in self._configured
        }
        self._topology = topology
        self._binder.configure(topology, self._all_pools())
        for identity in self._all_identities():
            self._binder.register(identity.identity_id, identity.provider_id, identity.labels)
        self._redraw()
        self._changed()

    def put_pool(self, pool: Pool) -> None:
        """Add or replace a pool."""
        if self._reported.get(pool.key, self._configured.get(pool.key)) == pool:
            return
        self._reported[pool.key] = pool
        self._binder.put_pool(pool)
        self._draw_pool(pool)
        self._changed()

    def put_identity(self, identity: Identity) -> None:
        """Add or replace an identity; a deleted one disappears."""
        before = self._registered.get(identity.identity_id)
        if before == identity:
            return
        name, provider = identity.identity_id, identity.provider_id
        if identity.status == "deleted":
            self._registered.pop(name, None)
            self._binder.register(name, None)
            self._drawing.remove("identity", name)
        else:
            self._registered[name] = identity
            if before is None or _account(before) != _account(identity):
                self._binder.register(name, provider, identity.labels)
            self._draw_identity(identity)
        self._changed()

    def admit(self, dimensions: Dimensions) -> bool:
        """Make first-seen names nodes; True if any was new."""
        agent, identity = dimensions.agent_id, dimensions.identity_id
        workload, scope = dimensions.workload_id, dimensions.scope_id
        used = self._uses.get(agent)
        if (
            used is not None
            and identity in used
            and workload in self._workloads
            and scope in self._scopes
        ):
            return False
        self._uses.setdefault(agent, set()).add(identity)
        self._workloads.add(workload)
        self._scopes.add(scope)
        self._draw_use(agent, identity)
        self._draw_named("workload", workload)
        self._draw_scope(scope)
        self._changed()
        return True

    def bind(self, intent: Intent) -> Binding:
        """What binds this intent. Raises ``LookupError`` with a sentence for an unknown pin."""
        return self._binder.bind(intent)

    def snapshot(self) -> Snapshot:
        """An immutable picture of the whole graph, sorted by id."""
        if self._snapshot is None:
            self._snapshot = self._picture(self._drawing.nx)
        return self._snapshot

    def around(self, node_id: str, hops: int = 1) -> Snapshot:
        """What lies within so many hops of a node, against the edges too."""
        graph = self._drawing.nx
        near = edge = {self._find(node_id)}
        for _ in range(hops):
            edge = {there for here in edge for there in nx.all_neighbors(graph, here)} - near
            near = near | edge
        return self._picture(graph.subgraph(near))

    def explain(self, from_id: str, to_id: str) -> str:
        """A path between two nodes as a sentence, or that there is none."""
        return sentence(self._drawing.nx, self._find(from_id), self._find(to_id))

    def _changed(self) -> None:
        self._version += 1
        self._snapshot = None

    def _all_pools(self) -> list[Pool]:
        return list({**self._configured, **self._reported}.values())

    def _all_identities(self) -> list[Identity]:
        declared = {identity.identity_id: identity for identity in self._topology.identities}
        return list({**declared, **self._registered}.values())

    def _redraw(self) -> None:
        self._drawing = Drawing()
        self._drawing.topology(self._topology)
        for scope in self._topology.scopes:
            if not scope.endswith("*"):
                self._draw_scope(scope)
        for pool in self._all_pools():
            self._draw_pool(pool)
        for identity in self._all_identities():
            self._draw_identity(identity)
        for agent, used in self._uses.items():
            for identity_id in used:
                self._draw_use(agent, identity_id)
        for workload in self._workloads:
            self._draw_named("workload", workload)
        for scope in self._scopes:
            self._draw_scope(scope)

    def _draw_pool(self, pool: Pool) -> None:
        members = pool.members if pool.local else self._binder.accounts.members(pool)
        self._drawing.pool(pool, members)
        for pattern in pool.shared_by if pool.local else ():
            kind, _, name = pattern.partition(":")
            if kind in KINDS and not pattern.endswith("*"):
                self._drawing.limit(pool, kind, name)

    def _draw_identity(self, identity: Identity) -> None:
        self._drawing.node("identity", identity.identity_id, identity)
        self._draw_named("identity", identity.identity_id)
        if identity.provider_id is not None:
            self._drawing.account(identity.identity_id, identity.provider_id)
        for pool in self._binder.accounts.joined(identity.identity_id):
            self._drawing.member(pool, identity.identity_id, shared=True)
            self._drawing.member(
                pool, self._topology.providers[pool.provider_id] or "", shared=True
            )

    def _draw_use(self, agent: str, identity: str) -> None:
        self._draw_named("agent", agent)
        self._draw_named("identity", identity)
        self._drawing.edge(f"agent:{agent}", f"identity:{identity}", "uses")

    def _draw_scope(self, scope: str) -> None:
        chain = self._binder.chain(scope)
        self._drawing.scopes(chain)
        for name in chain:
            self._draw_named("scope", name)

    def _draw_named(self, kind: str, name: str) -> None:
        self._drawing.node(kind, name)
        for cap in self._binder.caps.naming(kind, name):
            self._drawing.limit(cap, kind, name)

    def _picture(self, graph: nx.MultiDiGraph[str]) -> Snapshot:
        nodes = (read_node(node, attributes) for node, attributes in graph.nodes(data=True))
        edges = (read_edge(*edge) for edge in graph.edges(keys=True, data=True))
        return Snapshot(
            self._version,
            tuple(sorted(nodes, key=lambda node: node.id)),
            tuple(sorted(edges, key=lambda edge: (edge.from_id, edge.to_id, edge.type))),
        )

    def _find(self, name: str) -> str:
        if name in self._drawing.nx:
            return name
        for kind in _KINDS:
            if f"{kind}:{name}" in self._drawing.nx:
                return f"{kind}:{name}"
        near = difflib.get_close_matches(name, list(islice(self._drawing.nx, 500)), 3, 0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else "ids look like agent:crawler-01"
        raise LookupError(f"the graph has no node {name!r}; {hint}")


def _account(identity: Identity) -> tuple[str | None, dict[str, str]]:
    return identity.provider_id, identity.labels
