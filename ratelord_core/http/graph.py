"""The constraint graph, as data or as a drawing."""

from __future__ import annotations

import msgspec

from ratelord_core.arbiter import Arbiter
from ratelord_core.graph.export import to_dot, to_mermaid
from ratelord_core.http.exchange import Answer, Exchange, Reply, json_reply
from ratelord_core.http.parameters import Choice, Text
from ratelord_core.http.query import Query

FORMAT = Choice("format", "data, or a drawing", options=("json", "dot", "mermaid"))
AROUND = Text("around", "only what is near this node")
FROM_NODE = Text("from", "the id of a node", required=True)
TO_NODE = Text("to", "the id of a node", required=True)
DOT = "text/vnd.graphviz; charset=utf-8"
MERMAID = "text/vnd.mermaid; charset=utf-8"


class PathView(msgspec.Struct, frozen=True):
    """How two nodes hang together."""

    from_id: str
    to_id: str
    text: str


class Graph:
    """What HTTP shows of the graph."""

    def __init__(self, arbiter: Arbiter) -> None:
        self._arbiter = arbiter

    async def show(self, exchange: Exchange) -> Answer:
        """The constraint graph: who draws from which pool, by which way."""
        query = Query(exchange)
        form, around = FORMAT.read(query), AROUND.read(query)
        query.finish()
        snapshot = self._arbiter.graph(around)
        if form == "dot":
            return _text(to_dot(snapshot), DOT)
        if form == "mermaid":
            return _text(to_mermaid(snapshot), MERMAID)
        return json_reply(snapshot)

    async def path(self, exchange: Exchange) -> Answer:
        """How two nodes of the graph hang together, in words."""
        query = Query(exchange)
        from_id, to_id = FROM_NODE.read(query) or "", TO_NODE.read(query) or ""
        query.finish()
        return json_reply(PathView(from_id, to_id, self._arbiter.explain_path(from_id, to_id)))


def _text(drawing: str, kind: str) -> Reply:
    return Reply(drawing.encode(), content_type=kind.encode())
