"""A snapshot of the graph as others read it: JSON, DOT, Mermaid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ratelord_core.graph.protocol import Edge, Node, Snapshot

_DOT_SHAPES: Final = {
    "agent": "oval",
    "identity": "hexagon",
    "workload": "cds",
    "scope": "folder",
    "provider": "house",
    "resource": "component",
    "pool": "cylinder",
    "constraint": "octagon",
}
_MERMAID_SHAPES: Final = {
    "agent": ("([", "])"),
    "identity": ("{{", "}}"),
    "workload": ("[/", "/]"),
    "scope": ("[[", "]]"),
    "provider": ("[", "]"),
    "resource": (">", "]"),
    "pool": ("[(", ")]"),
    "constraint": ("{", "}"),
}


def to_dict(snapshot: Snapshot) -> dict[str, Any]:
    """JSON-ready: ``{"nodes": […], "edges": […], "version": n}``."""
    return {
        "nodes": [
            {"id": node.id, "type": node.type, "label": node.label, "properties": node.properties}
            for node in snapshot.nodes
        ],
        "edges": [
            {
                "from_id": edge.from_id,
                "to_id": edge.to_id,
                "type": edge.type,
                "properties": edge.properties,
            }
            for edge in snapshot.edges
        ],
        "version": snapshot.version,
    }


def to_dot(snapshot: Snapshot) -> str:
    """A Graphviz digraph."""
    lines = ["digraph constraints {", "  rankdir=LR;"]
    for node in snapshot.nodes:
        shape = _DOT_SHAPES.get(node.type, "box")
        lines.append(f"  {_dot(node.id)} [label={_dot(_caption(node))}, shape={shape}];")
    for edge in snapshot.edges:
        label = _dot(_phrase(edge))
        lines.append(f"  {_dot(edge.from_id)} -> {_dot(edge.to_id)} [label={label}];")
    return "\n".join([*lines, "}", ""])


def to_mermaid(snapshot: Snapshot) -> str:
    """A Mermaid flowchart. Its own node names are numbers: Mermaid reads some words as syntax."""
    names = {node.id: f"n{number}" for number, node in enumerate(snapshot.nodes)}
    lines = ["flowchart LR"]
    for node in snapshot.nodes:
        opening, closing = _MERMAID_SHAPES.get(node.type, ("[", "]"))
        lines.append(f"  {names[node.id]}{opening}{_mermaid(_caption(node))}{closing}")
    for edge in snapshot.edges:
        if edge.from_id in names and edge.to_id in names:
            label = _mermaid(_phrase(edge))
            lines.append(f"  {names[edge.from_id]} -->|{label}| {names[edge.to_id]}")
    return "\n".join([*lines, ""])


FORMATS: Final[dict[str, Callable[[Snapshot], str]]] = {"dot": to_dot, "mermaid": to_mermaid}
"""The text formats by name."""


def _caption(node: Node) -> str:
    return f"{node.type}\n{node.label}"


def _phrase(edge: Edge) -> str:
    units = edge.properties.get("units")
    return edge.type if units is None else f"{edge.type} {units:g}"


def _dot(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _mermaid(text: str) -> str:
    """Quoted; what Mermaid would read as markup becomes a numeric entity."""
    kept = (_entity(letter) for letter in text)
    return '"' + "".join(kept) + '"'


def _entity(letter: str) -> str:
    if letter == "\n":
        return "<br/>"
    return f"#{ord(letter)};" if letter in '"#&<>;`|[]{}()\\' else letter
