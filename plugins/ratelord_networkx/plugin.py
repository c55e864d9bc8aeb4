"""Registers the ``networkx`` constraint graph."""

from __future__ import annotations

from ratelord_core.graph import ConstraintGraph, GraphFactory
from ratelord_core.hookspecs import hookimpl


class NetworkxFactory:
    """Builds constraint graphs that networkx holds and a compiled index answers."""

    name = "networkx"

    def build(self) -> ConstraintGraph:
        """An empty graph. networkx is imported here: half a second that a command line which only
        lists plugins never pays."""
        from ratelord_networkx.constraint_graph import NetworkxGraph  # noqa: PLC0415 - see above

        return NetworkxGraph()


@hookimpl
def ratelord_register_graphs() -> list[GraphFactory]:
    """One factory, named ``networkx``."""
    return [NetworkxFactory()]
