"""What the MCP door registers."""

from __future__ import annotations

from ratelord_core import hookimpl
from ratelord_core.verb import Verb


@hookimpl
def ratelord_register_verbs() -> list[Verb]:
    """The verbs of the door, by name only: their code needs the protocol's library."""
    return [
        Verb(
            name="mcp",
            help="Serve MCP over standard input and output, set up hosts, wrap other servers.",
            target="ratelord_mcp.verbs.mcp:app",
            group="Start",
        ),
        Verb(
            name="hook",
            help="Ask on behalf of a coding agent that calls hooks before its tools.",
            target="ratelord_mcp.verbs.hook:app",
            group="Ask",
        ),
    ]
