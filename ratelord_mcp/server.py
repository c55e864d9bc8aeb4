"""The MCP server around any arbiter: one object for both eras and every transport."""

from __future__ import annotations

from typing import Any

from mcp.server.lowlevel import Server

from ratelord_core import __version__
from ratelord_core.agent_tools import AgentTool
from ratelord_core.arbiter import Arbiter
from ratelord_mcp.call import WhenDenied
from ratelord_mcp.toolbox import CallerOf, Toolbox
from ratelord_mcp.tools.ask import ask_intent
from ratelord_mcp.tools.report import REPORT_USAGE


def build(
    arbiter: Arbiter,
    caller_of: CallerOf,
    *,
    blocking: bool = False,
    when_denied: WhenDenied | None = None,
    more_tools: tuple[AgentTool, ...] = (),
) -> Server[Any]:
    """A server that answers from this arbiter.

    ``caller_of`` says who sent a request. ``blocking`` is for an arbiter whose looks go over a
    wire: they are then made in threads. ``when_denied`` has the last word on denials.
    """
    tools = (ask_intent(when_denied), REPORT_USAGE, *more_tools)
    toolbox = Toolbox(arbiter, caller_of, tools, blocking=blocking)
    return Server(
        "ratelord",
        version=__version__,
        title="ratelord",
        on_list_tools=toolbox.list,
        on_call_tool=toolbox.call,
        get_tool_input_schema=toolbox.schema_of,
    )
