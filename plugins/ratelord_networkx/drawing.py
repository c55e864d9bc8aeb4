"""The graph itself: typed nodes and edges in a networkx ``MultiDiGraph``."""

from __future__ import annotations

from typing import Any

import networkx as nx

from ratelord_core.graph import Edge, Node
from ratelord_core.model.config import AgentConfig, Topology, WorkloadConfig
from ratelord_core.model.identity import Identity
from ratelord_core.model.ids import ROOT_SCOPE
from ratelord_core.model.pool import Pool

Record = Identity | Pool | AgentConfig | WorkloadConfig


class Drawing:
    """Nodes are ``type:name``; edges are keyed by their type.

    A node keeps the record that it was drawn from and is only put into words when somebody reads:
    a hundred thousand identities must not cost a hundred thousand dictionaries of properties.
    """

    def __init__(self) -> None:
        self.nx: nx.MultiDiGraph[str] = nx.MultiDiGraph()

    def node(self, kind: str, name: str, record: Record | None = None) -> str:
        """Draw a node, or renew its record; its id."""
        node_id = f"{kind}:{name}"
        if record is not None:
            self.nx.add_node(node_id, record=record)
        elif node_id not in self.nx:
            self.nx.add_node(node_id)
        return node_id

    def edge(self, start: str, end: str, kind: str, **properties: Any) -> None:
        """Draw an edge, or renew its properties."""
        self.nx.add_edge(start, end, key=kind, **properties)

    def remove(self, kind: str, name: str) -> None:
        """Take a node and its edges away; one that is not there is fine."""
        node_id = f"{kind}:{name}"
        if node_id in self.nx:
            self.nx.remove_node(node_id)

    def scopes(self, chain: tuple[str, ...]) -> None:
        """Draw a scope and its ancestors, leaf first."""
        below = self.node("scope", chain[0])
        for scope in chain[1:]:
            above = self.node("scope", scope)
            if above != below:
                self.edge(above, below, "contains")
            below = above

    def topology(self, topology: Topology) -> None:
        """Draw what the configuration says of agents, workloads and providers."""
        self.node("scope", ROOT_SCOPE)
        for agent, config in topology.agents.items():
            if not agent.endswith("*"):
                self.node("agent", agent, config)
        for workload, shape in topology.workloads.items():
            start = self.node("workload", workload, shape)
            for key, units in shape.consumes.items():
                self.edge(start, self.node("pool", key), "triggers", units=units)
        for provider, identity in topology.providers.items():
            self.node("provider", provider)
            if identity is not None:
                self.account(identity, provider)

    def account(self, identity: str, provider: str) -> None:
        """Draw that an identity is, or has, an account at a provider."""
        resource = self.node("resource", f"{provider}/{identity}")
        self.edge(self.node("identity", identity), resource, "owns")

    def pool(self, pool: Pool, members: tuple[str, ...]) -> None:
        """Draw a pool anew, with its constraint and the identities that are named for it."""
        place = self.node("pool", pool.key, pool)
        for start, end, kind in [
            *self.nx.out_edges(place, keys=True),
            *self.nx.in_edges(place, keys=True),
        ]:
            if kind != "triggers":
                self.nx.remove_edge(start, end, kind)
        self.remove("constraint", pool.key)
        constraint = self.node("constraint", pool.key, pool)
        self.edge(place, constraint, "bounds")
        for member in members:
            self.member(pool, member, shared=len(members) > 1)
        if not pool.local:
            self.edge(self.node("provider", pool.provider_id), place, "observes")
        if not pool.local or not pool.shared_by or "*" in pool.shared_by:
            self.edge(constraint, self.node("scope", ROOT_SCOPE), "applies_to")

    def member(self, pool: Pool, identity: str, *, shared: bool) -> None:
        """Draw that an identity draws from a pool, alone or beside others."""
        place, draws = f"pool:{pool.key}", "consumes_from" if pool.local else "depletes"
        self.edge(self.node("identity", identity), place, draws)
        if shared:
            self.edge(place, f"identity:{identity}", "shared_with")

    def limit(self, pool: Pool, kind: str, name: str) -> None:
        """Draw that a cap singles out an agent, identity, workload or scope."""
        word = "applies_to" if kind == "scope" else "limits"
        self.edge(self.node("constraint", pool.key, pool), self.node(kind, name), word)


def read_node(node_id: str, attributes: dict[str, Any]) -> Node:
    """A node as readers see it."""
    kind, _, name = node_id.partition(":")
    record = attributes.get("record")
    return Node(node_id, kind, name, {} if record is None else _properties(kind, record))


def read_edge(start: str, end: str, kind: str, properties: dict[str, Any]) -> Edge:
    """An edge as readers see it."""
    return Edge(start, end, kind, dict(properties))


def _properties(kind: str, record: Record) -> dict[str, Any]:
    told: dict[str, Any]
    if isinstance(record, Identity):
        told = {
            "kind": record.kind,
            "status": record.status,
            "provider_id": record.provider_id,
            "owner": record.owner,
            "labels": dict(record.labels),
        }
        return {name: value for name, value in told.items() if value}
    if isinstance(record, AgentConfig):
        told = {"role": record.role, "weight": record.weight, "labels": dict(record.labels)}
        return {name: value for name, value in told.items() if value}
    if isinstance(record, WorkloadConfig):
        return {"degrade": list(record.degrade)} if record.degrade else {}
    return _of_constraint(record) if kind == "constraint" else _of_pool(record)


def _of_pool(pool: Pool) -> dict[str, Any]:
    return {"unit": pool.unit, "local": pool.local, "default": pool.default}


def _of_constraint(pool: Pool) -> dict[str, Any]:
    told = {
        "limit": pool.limit,
        "unit": pool.unit,
        "window": pool.window.kind,
        "every_seconds": None if pool.window.every is None else pool.window.every / 1_000_000,
        "calendar": pool.window.unit,
        "shared_by": list(pool.shared_by),
    }
    return {name: value for name, value in told.items() if value is not None and value != []}
