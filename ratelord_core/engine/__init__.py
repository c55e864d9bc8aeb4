"""The engine: decide, then write down. No await, no clock but the instant passed in."""

from ratelord_core.engine.engine import Engine
from ratelord_core.engine.state import State

__all__ = ["Engine", "State"]
