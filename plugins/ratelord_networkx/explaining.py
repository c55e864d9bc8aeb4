"""A path through the graph, in words."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import networkx as nx

FORWARD = {
    "uses": "uses",
    "owns": "owns",
    "triggers": "draws from",
    "depletes": "draws from",
    "consumes_from": "draws from",
    "shared_with": "is shared with",
    "bounds": "is bound by",
    "limits": "limits",
    "applies_to": "applies to",
    "observes": "reports",
    "contains": "contains",
}
BACKWARD = {
    "uses": "is used by",
    "owns": "belongs to",
    "triggers": "is drawn from by",
    "depletes": "is drawn from by",
    "consumes_from": "is drawn from by",
    "shared_with": "shares",
    "bounds": "bounds",
    "limits": "is limited by",
    "applies_to": "is subject to",
    "observes": "is reported by",
    "contains": "lies in",
}


def sentence(graph: nx.MultiDiGraph[str], start: str, end: str) -> str:
    """The shortest path, along the edges if there is one, else against them where need be."""
    if start == end:
        return f"{name(start)} is where you start from."
    path = _path(graph, start, end)
    if path is None:
        return f"Nothing connects {name(start)} with {name(end)}."
    steps = [f"{_verb(graph, here, there)} {name(there)}" for here, there in pairwise(path)]
    return f"{name(start)} {', which '.join(steps)}."


def name(node_id: str) -> str:
    """``identity:pat:rmax`` as ``identity pat:rmax``."""
    kind, _, label = node_id.partition(":")
    return f"{kind} {label}"


def _path(graph: nx.MultiDiGraph[str], start: str, end: str) -> list[str] | None:
    for view in (graph, graph.to_undirected(as_view=True)):
        try:
            found: list[str] = nx.shortest_path(view, start, end)
        except nx.NetworkXNoPath:
            continue
        return found
    return None


def _verb(graph: nx.MultiDiGraph[str], here: str, there: str) -> str:
    along: dict[str, Any] = {str(k): v for k, v in (graph.get_edge_data(here, there) or {}).items()}
    if not along:
        return BACKWARD[min(str(kind) for kind in graph.get_edge_data(there, here))]
    kind = min(along)
    units = along[kind].get("units")
    return FORWARD[kind] if units is None else f"draws {units:g} per call from"
