"""``ratelord graph``: who shares what."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from ratelord_core.cli import known_ids, words
from ratelord_core.cli.door import open_client
from ratelord_core.cli.options import LOOK, Json
from ratelord_core.cli.outcome import DONE
from ratelord_core.cli.screen import print_json, print_table, say


def register(app: App) -> None:
    """Add the verb."""
    app.command(graph, group=LOOK)


def graph(
    *,
    around: Annotated[str | None, Parameter(completer=known_ids.nodes)] = None,
    format: Literal["table", "json", "dot", "mermaid"] = "table",  # noqa: A002 - the option's name
    json: Json = False,
) -> int:
    """Show the constraint graph: who shares what.

    Parameters
    ----------
    around
        Only what is next to this node.
    format
        table, json, dot (Graphviz) or mermaid.
    """
    with open_client() as client:
        if format in ("dot", "mermaid") and not json:
            print(client.graph_text(format, around).rstrip("\n"))
            return DONE
        found = client.graph(around)
    if json or format == "json":
        print_json(found)
    else:
        _show(found)
    return DONE


def _show(found: dict[str, Any]) -> None:
    nodes = {node["id"]: node for node in found.get("nodes") or []}
    if not nodes:
        say("The graph is empty: nobody asked yet, and nothing is declared.")
        return
    joined: set[str] = set()
    rows = []
    for edge in found.get("edges") or []:
        joined |= {edge["from_id"], edge["to_id"]}
        rows.append(
            [_name(nodes, edge["from_id"]), words.plain(edge["type"]), _name(nodes, edge["to_id"])]
        )
    rows += [[_name(nodes, node_id), "", ""] for node_id in sorted(set(nodes) - joined)]
    print_table(("from", "edge", "to"), rows)


def _name(nodes: dict[str, Any], node_id: str) -> str:
    node = nodes.get(node_id, {})
    return words.plain(f"{node.get('type', '?')} {node.get('label') or node_id}")
