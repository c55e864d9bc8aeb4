"""A tool call as our own tools see it: with the request it came in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from mcp import types
from mcp.server.context import ServerRequestContext

from ratelord_core.agent_tools import ToolCall
from ratelord_core.model.decision import Decision
from ratelord_core.model.intent import Intent
from ratelord_mcp.alerts import Alerts

Context = ServerRequestContext[Any, Any]


class McpCall(ToolCall, frozen=True, kw_only=True):
    """A ``ToolCall`` with the protocol's context and parameters, for those who must speak back."""

    context: Context
    params: types.CallToolRequestParams
    alerts: Alerts


WhenDenied = Callable[
    [McpCall, Intent, Decision], Awaitable["Decision | types.InputRequiredResult"]
]
"""What happens on a denial before the agent hears of it: the decision that stands in the end, or a
question to the human (the client then calls the tool again with the answer)."""
