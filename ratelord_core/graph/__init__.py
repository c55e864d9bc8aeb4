"""The constraint graph's protocol: what binds this intent?"""

from ratelord_core.graph.protocol import (
    Binding,
    ConstraintGraph,
    Draw,
    Edge,
    GraphFactory,
    Node,
    Snapshot,
)

__all__ = ["Binding", "ConstraintGraph", "Draw", "Edge", "GraphFactory", "Node", "Snapshot"]
