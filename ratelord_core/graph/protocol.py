"""What the engine asks of a constraint graph.

The graph is the only place that knows who shares what. One writer (the engine) changes it; readers
hold immutable snapshots.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from ratelord_core.model.config import Topology
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.identity import Identity
from ratelord_core.model.intent import Intent
from ratelord_core.model.pool import Pool


class Node(msgspec.Struct, frozen=True):
    """A node: agent, identity, workload, scope, provider, resource, pool or constraint."""

    id: str
    type: str
    label: str
    properties: dict[str, Any] = {}


class Edge(msgspec.Struct, frozen=True):
    """A directed edge: uses, owns, triggers, depletes, consumes_from, shared_with, bounds, limits,
    applies_to, observes, contains."""

    from_id: str
    to_id: str
    type: str
    properties: dict[str, Any] = {}


class Draw(msgspec.Struct, frozen=True, gc=False):
    """A pool that an action draws from; ``consumes`` units per call, None = nobody said."""

    pool: str
    consumes: float | None = None


class Binding(msgspec.Struct, frozen=True):
    """Everything that binds an intent, found in one indexed lookup.

    ``scopes`` runs from the intent's own scope up to ``global``. ``warnings`` are sentences for the
    asker. ``weight`` is the agent's share when a pool is contended.
    """

    draws: tuple[Draw, ...]
    scopes: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    weight: float = 1.0


class Snapshot(msgspec.Struct, frozen=True):
    """The graph at one version, for readers."""

    version: int
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


class ConstraintGraph(Protocol):
    """Knows which pools, scopes and members belong together."""

    @property
    def version(self) -> int:
        """Grows with every change."""
        ...

    def configure(self, topology: Topology, pools: tuple[Pool, ...]) -> None:
        """Replace what the configuration declared. First-seen nodes and registered identities stay,
        and so do reported pools, unless their provider was declared before and is no more."""
        ...

    def put_pool(self, pool: Pool) -> None:
        """Add or replace a pool (a provider reported it, or its membership changed)."""
        ...

    def put_identity(self, identity: Identity) -> None:
        """Add or replace an identity; with ``provider_id`` it becomes a member of that provider's
        pools, if that provider has members at all."""
        ...

    def admit(self, dimensions: Dimensions) -> bool:
        """Make first-seen agents, identities, workloads and scopes nodes; True if any was new."""
        ...

    def bind(self, intent: Intent) -> Binding:
        """What binds this intent. Raises ``LookupError`` with a sentence for an unknown pin."""
        ...

    def snapshot(self) -> Snapshot:
        """An immutable picture for readers."""
        ...

    def around(self, node_id: str, hops: int = 1) -> Snapshot:
        """The part of the graph within so many hops of a node (``LookupError`` if unknown)."""
        ...

    def explain(self, from_id: str, to_id: str) -> str:
        """A path between two nodes as a sentence, or that there is none."""
        ...


class GraphFactory(Protocol):
    """Builds one kind of constraint graph."""

    name: str

    def build(self) -> ConstraintGraph:
        """An empty graph."""
        ...
