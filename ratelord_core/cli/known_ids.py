"""Ids for the shell to complete, as the daemon knows them right now."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ratelord_core.cli.door import open_client

if TYPE_CHECKING:
    from cyclopts.completion import CompletionContext

    from ratelord import Client

_PATIENCE_SECONDS = 1.0


def pools(context: CompletionContext) -> Iterable[str]:
    """Pool keys."""
    return _matching(context, lambda client: (_key(row) for row in client.pools()))


def identities(context: CompletionContext) -> Iterable[str]:
    """Identity ids."""
    return _matching(context, lambda client: (r["identity_id"] for r in client.identities()))


def workloads(context: CompletionContext) -> Iterable[str]:
    """Workload ids."""
    return _nodes(context, "workload")


def agents(context: CompletionContext) -> Iterable[str]:
    """Agent ids."""
    return _nodes(context, "agent")


def scopes(context: CompletionContext) -> Iterable[str]:
    """Scope ids."""
    return _nodes(context, "scope")


def nodes(context: CompletionContext) -> Iterable[str]:
    """Ids of nodes of the constraint graph."""
    return _matching(context, lambda client: (n["id"] for n in client.graph()["nodes"]))


def intents(context: CompletionContext) -> Iterable[str]:
    """Ids of the newest intents."""

    def newest(client: Client) -> Iterable[str]:
        decided = client.events(type="intent_submitted", limit=20)
        return (row["event_id"] for row in decided)

    return _matching(context, newest)


def _nodes(context: CompletionContext, kind: str) -> Iterable[str]:
    def of_kind(client: Client) -> Iterable[str]:
        found = (node for node in client.graph()["nodes"] if node["type"] == kind)
        return (str(node.get("label") or node["id"]) for node in found)

    return _matching(context, of_kind)


def _matching(context: CompletionContext, ids: Callable[[Client], Iterable[str]]) -> list[str]:
    with open_client(timeout=_PATIENCE_SECONDS) as client:
        return sorted({each for each in ids(client) if each.startswith(context.incomplete)})


def _key(row: dict[str, Any]) -> str:
    return f"{row['provider_id']}/{row['pool_id']}"
