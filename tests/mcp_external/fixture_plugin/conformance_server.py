"""The server that the conformance suite wants to meet."""

from __future__ import annotations

import warnings
from typing import Any

import conformance_shelf as shelf
import conformance_tools as tools
from conformance_questions import PROMPT, QUESTIONS
from mcp import MCPDeprecationWarning, MCPError, types
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.models import InitializationOptions
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler

Context = Any
FOR_LONG = {"ttl_ms": 60_000, "cache_scope": "public"}


class ConformanceServer(Server[Any]):
    """Says that its tools and prompts change: the suite makes them."""

    def create_initialization_options(
        self,
        notification_options: NotificationOptions | None = None,
        experimental_capabilities: dict[str, dict[str, Any]] | None = None,
        extensions: dict[str, dict[str, Any]] | None = None,
    ) -> InitializationOptions:
        """As the library's."""
        changes = notification_options or NotificationOptions(True, True, True)
        return super().create_initialization_options(changes, experimental_capabilities, extensions)


def build() -> tuple[Server[Any], ListenHandler]:
    """A server, and what keeps its listen streams."""
    bus = InMemorySubscriptionBus()
    listen = ListenHandler(bus)
    by_name = tools.table(bus)

    async def list_tools(_context: Context, _params: Any) -> types.ListToolsResult:
        listed = [tools.listed(name) for name in (*by_name, *QUESTIONS)]
        return types.ListToolsResult(tools=listed, **FOR_LONG)

    async def call_tool(context: Context, params: types.CallToolRequestParams) -> Any:
        if params.name in QUESTIONS:
            return QUESTIONS[params.name](context, params)
        if params.name not in by_name:
            raise MCPError(types.INVALID_PARAMS, f"unknown tool: {params.name}")
        return await by_name[params.name](context, params.arguments or {})

    async def get_prompt(context: Context, params: types.GetPromptRequestParams) -> Any:
        if params.name == PROMPT.name:
            return PROMPT.get(context, params)
        return shelf.get_prompt(params.name, params.arguments or {})

    with warnings.catch_warnings():  # the suite wants what the next revision deprecates
        warnings.simplefilter("ignore", MCPDeprecationWarning)
        server = ConformanceServer(
            "conformance",
            version="1",
            get_tool_input_schema=tools.schema_of,
            on_list_tools=list_tools,
            on_call_tool=call_tool,
            on_list_resources=shelf.list_resources,
            on_list_resource_templates=shelf.list_templates,
            on_read_resource=shelf.read,
            on_subscribe_resource=shelf.done,
            on_unsubscribe_resource=shelf.done,
            on_subscriptions_listen=listen,
            on_list_prompts=shelf.list_prompts,
            on_get_prompt=get_prompt,
            on_completion=shelf.complete,
            on_set_logging_level=shelf.done,
        )
    security = RequestStateSecurity.ephemeral()
    server.middleware.append(RequestStateBoundary(security, default_audience="conformance"))
    return server, listen
