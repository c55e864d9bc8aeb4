"""The MCP server around any arbiter: one object for both eras and every transport."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
from mcp import types
from mcp.server.lowlevel import Server

from ratelord_core import __version__
from ratelord_core.arbiter import Arbiter
from ratelord_mcp import plugin
from ratelord_mcp.alerts import Alerts
from ratelord_mcp.announcer import Announcer
from ratelord_mcp.call import Context, WhenDenied
from ratelord_mcp.completions import Completions
from ratelord_mcp.human_override import HumanOverride
from ratelord_mcp.library import Library
from ratelord_mcp.prompt import INSTRUCTIONS, Prompts
from ratelord_mcp.toolbox import CallerOf, Toolbox
from ratelord_mcp.tools.ask import ask_intent
from ratelord_mcp.tools.report import REPORT_USAGE
from ratelord_mcp.watch import Watch

Offers = Callable[[str], Iterable[Any]]
"""What plugins registered under a hook."""


def own_offers(hook: str) -> Iterable[Any]:
    """What this door brings itself, without any other plugin."""
    offered: Iterable[Any] = getattr(plugin, hook)()
    return offered


class RatelordServer(Server[None]):
    """The SDK's server, with what it shares among its requests.

    ``close`` ends the open streams; ``look_round`` is what the server does twice a second while it
    runs.
    """

    toolbox: Toolbox
    announcer: Announcer
    alerts: Alerts
    watch: Watch

    def close(self) -> None:
        """End every listen stream in good order."""
        self.announcer.close()

    async def look_round(self) -> None:
        """See what turned, and tell whoever follows it."""
        await self.watch.look_round(self.announcer.followed(), self.alerts.pools())

    def get_capabilities(self, *options: Any, **named: Any) -> types.ServerCapabilities:
        """As the SDK's; but of what is listed here, only resources come and go."""
        able = super().get_capabilities(*options, **named)
        for kind, changes in ((able.tools, False), (able.prompts, False), (able.resources, True)):
            if kind is not None:
                kind.list_changed = changes
        return able


def build(
    arbiter: Arbiter,
    caller_of: CallerOf,
    *,
    blocking: bool = False,
    when_denied: WhenDenied | None = None,
    offers: Offers = own_offers,
) -> RatelordServer:
    """A server that answers from this arbiter.

    ``caller_of`` says who sent a request. ``blocking`` is for an arbiter whose looks go over a
    wire: they are then made in threads. ``when_denied`` has the last word on denials; by default
    the human, where the client can ask. ``offers`` are the tools and resources that plugins
    register, those of this door among them.
    """
    tools = (
        ask_intent(when_denied or HumanOverride()),
        REPORT_USAGE,
        *offers("ratelord_register_agent_tools"),
    )
    shelf = offers("ratelord_register_agent_resources")
    library = Library(arbiter, caller_of, shelf, blocking=blocking)
    announcer = Announcer(library.is_known)
    watch = Watch(arbiter, announcer.publish, blocking=blocking)
    alerts = Alerts(watch.level_of)
    toolbox = Toolbox(arbiter, caller_of, tools, alerts, blocking=blocking)
    server = RatelordServer(
        "ratelord",
        version=__version__,
        title="ratelord",
        instructions=INSTRUCTIONS,
        lifespan=_living,
        get_tool_input_schema=toolbox.schema_of,
        **_handlers(arbiter, caller_of, toolbox, library, announcer, blocking=blocking),
    )
    server.toolbox, server.announcer = toolbox, announcer
    server.alerts, server.watch = alerts, watch
    return server


def _handlers(
    arbiter: Arbiter,
    caller_of: CallerOf,
    toolbox: Toolbox,
    library: Library,
    announcer: Announcer,
    *,
    blocking: bool,
) -> Mapping[str, Any]:
    prompts = Prompts(arbiter, caller_of)

    async def list_resources(
        context: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        if context.protocol_version < "2026":
            announcer.greet(context)
        return await library.list(context, params)

    return {
        "on_list_tools": toolbox.list,
        "on_call_tool": toolbox.call,
        "on_list_resources": list_resources,
        "on_list_resource_templates": library.list_templates,
        "on_read_resource": library.read,
        "on_subscribe_resource": announcer.subscribe,
        "on_unsubscribe_resource": announcer.unsubscribe,
        "on_subscriptions_listen": announcer.listen,
        "on_list_prompts": prompts.list,
        "on_get_prompt": prompts.get,
        "on_completion": Completions(arbiter, caller_of, blocking=blocking).complete,
    }


@asynccontextmanager
async def _living(server: Server[None]) -> AsyncIterator[None]:
    """While the server runs, it looks round. In one process it may run several times at once, over
    a pipe for each client: whichever of them is left then sends the notifications."""
    assert isinstance(server, RatelordServer)  # noqa: S101 - only ``build`` uses this
    async with anyio.create_task_group() as tasks:
        server.announcer.groups.append(tasks)
        tasks.start_soon(server.watch.go_on, server.announcer.followed, server.alerts.pools)
        try:
            yield
        finally:
            server.announcer.groups.remove(tasks)
            tasks.cancel_scope.cancel()
