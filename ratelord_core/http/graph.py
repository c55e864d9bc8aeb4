"""The constraint graph, as data or as a drawing."""

from __future__ import annotations

from ratelord_core.arbiter import Arbiter
from ratelord_core.graph.export import to_dot, to_mermaid
from ratelord_core.http.exchange import Answer, Exchange, Reply, json_reply
from ratelord_core.http.query import Query


class Graph:
    """What HTTP shows of the graph."""

    def __init__(self, arbiter: Arbiter) -> None:
        self._arbiter = arbiter

    async def show(self, exchange: Exchange) -> Answer:
        """``GET /v1/graph``: JSON, Graphviz DOT or Mermaid; whole, or ``around`` one node."""
        query = Query(exchange)
        form = query.choice("format", ("json", "dot", "mermaid"))
        around = query.text("around")
        query.finish()
        snapshot = self._arbiter.graph(around)
        if form == "dot":
            return _text(to_dot(snapshot), b"text/vnd.graphviz; charset=utf-8")
        if form == "mermaid":
            return _text(to_mermaid(snapshot), b"text/vnd.mermaid; charset=utf-8")
        return json_reply(snapshot)

    async def path(self, exchange: Exchange) -> Answer:
        """``GET /v1/graph/path``: how ``from`` and ``to`` hang together, in words."""
        query = Query(exchange)
        ends = {name: query.text(name) for name in ("from", "to")}
        for name, end in ends.items():
            if end is None:
                query.wrong(name, "is required: the id of a node")
        query.finish()
        from_id, to_id = ends["from"] or "", ends["to"] or ""
        text = self._arbiter.explain_path(from_id, to_id)
        return json_reply({"from_id": from_id, "to_id": to_id, "text": text})


def _text(drawing: str, kind: bytes) -> Reply:
    return Reply(drawing.encode(), content_type=kind)
