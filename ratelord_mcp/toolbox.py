"""The tools of one server: listed once, called by name."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from mcp import MCPError, types

from ratelord_core.agent_tools import AgentTool
from ratelord_core.arbiter import Arbiter
from ratelord_core.errors import PluginError, RatelordError, Refused
from ratelord_core.model.caller import Caller
from ratelord_core.wire.faults import shown
from ratelord_mcp.alerts import Alerts
from ratelord_mcp.answers import UNFORESEEN, answer, mistake, refusal
from ratelord_mcp.arguments import read_arguments
from ratelord_mcp.call import Context, McpCall
from ratelord_mcp.identity import agent_of, said_by_token
from ratelord_mcp.schema import input_schema, output_schema

CallerOf = Callable[[Context], Caller]
"""Who sent a request, as the transport made sure of it."""

_UNSAID = ("alerts", "score")
"""Fields of answers of which a schema says nothing: every byte of it counts, and they explain
themselves where they stand."""

_log = logging.getLogger(__name__)


class Toolbox:
    """Lists and calls tools."""

    def __init__(
        self,
        arbiter: Arbiter,
        caller_of: CallerOf,
        tools: Iterable[AgentTool],
        alerts: Alerts,
        *,
        blocking: bool,
    ) -> None:
        self._alerts = alerts
        self._arbiter = arbiter
        self._caller_of = caller_of
        self._blocking = blocking
        self._tools: dict[str, AgentTool] = {}
        for tool in tools:
            if tool.name in self._tools:
                raise PluginError(f"two tools are called {tool.name!r}; leave one plugin out")
            self._tools[tool.name] = tool
        self._listed = {name: _listed(tool) for name, tool in self._tools.items()}

    def schema_of(self, name: str) -> dict[str, Any] | None:
        """The schema of a tool's arguments; None if there is no such tool."""
        listed = self._listed.get(name)
        return None if listed is None else listed.input_schema

    async def list(
        self, _context: Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        """All of them: ten at most, so one page."""
        return types.ListToolsResult(
            tools=list(self._listed.values()), ttl_ms=3_600_000, cache_scope="public"
        )

    async def call(
        self, context: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        """Call one. A name nobody has is an error of the protocol; all else goes to the model."""
        tool = self._tools.get(params.name)
        if tool is None:
            known = ", ".join(self._tools)
            raise MCPError(
                code=types.INVALID_PARAMS,
                message=f"Unknown tool: {shown(params.name)}; there are {known}",
            )
        try:
            return await self._run(tool, context, params)
        except RatelordError as error:
            return refusal(error, tool.hints)
        except Exception as error:  # noqa: BLE001 (what nobody foresaw must not leak to a model)
            _log.error("tool %s failed", tool.name, exc_info=error)
            return mistake(UNFORESEEN)

    async def _run(
        self, tool: AgentTool, context: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        caller = self._caller_of(context)
        given = said_by_token(caller, tool.token_says) | (params.arguments or {})
        call = McpCall(
            arbiter=self._arbiter,
            caller=caller,
            arguments=read_arguments(given, tool.takes, tool.offers),
            blocking=self._blocking,
            context=context,
            params=params,
            alerts=self._alerts,
        )
        found = await tool.run(call)
        if isinstance(found, types.InputRequiredResult):
            return found
        if not isinstance(found, msgspec.Struct):
            raise Refused(f"tool {tool.name} gave no record; tell its author")
        return answer(self._with_alerts(found, call))

    def _with_alerts(self, found: msgspec.Struct, call: McpCall) -> msgspec.Struct:
        """The record, with what turned for this agent; every tool of ours has room for it."""
        if not hasattr(found, "alerts"):
            return found
        alerts = self._alerts.take(self._agent_of(call))
        return msgspec.structs.replace(found, alerts=alerts) if alerts else found

    def _agent_of(self, call: McpCall) -> str | None:
        claimed = getattr(call.arguments, "agent_id", None)
        if claimed is None:
            claimed = self._alerts.asker_of(getattr(call.arguments, "intent_id", ""))
        return agent_of(call.caller, claimed or "") or None


def _listed(tool: AgentTool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title or None,
        description=tool.description,
        input_schema=input_schema(tool.takes, tool.hints, tool.offers),
        # Every result of ours has alerts; that is said once, where agents ask.
        output_schema=output_schema(tool.gives, _UNSAID if tool.read_only else ()),
        annotations=types.ToolAnnotations(
            read_only_hint=tool.read_only,
            destructive_hint=False,
            idempotent_hint=tool.idempotent,
            open_world_hint=False,
        ),
    )
