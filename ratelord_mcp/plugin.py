"""What the MCP door registers. Light: the protocol's library is loaded when it is used."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ratelord_core.hookspecs import hookimpl
from ratelord_core.verb import Verb

if TYPE_CHECKING:  # every command that is a plugin's verb waits for what is imported here
    from ratelord_core.agent_tools import AgentResource, AgentTool
    from ratelord_core.doors import DoorFactory


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


@hookimpl
def ratelord_register_doors() -> Iterable[DoorFactory]:
    """``/mcp``."""
    from ratelord_mcp.door import McpDoors  # noqa: PLC0415 - for daemons only

    return [McpDoors()]


@hookimpl
def ratelord_register_agent_tools() -> Iterable[AgentTool]:
    """The tools that look; those that ask and report belong to the door itself."""
    from ratelord_mcp.tools import table  # noqa: PLC0415 - not before somebody knocks

    return table.LOOKING


@hookimpl
def ratelord_register_agent_resources() -> Iterable[AgentResource]:
    """Pools, forecasts, identities, intents, usage, events, the configuration."""
    from ratelord_mcp import shelf  # noqa: PLC0415 - as above

    return shelf.RESOURCES
