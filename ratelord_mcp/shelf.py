"""What agents may read: pools, forecasts, identities, intents, usage, events, the configuration.

An agent's token reads about itself and about the pools that its identity draws from; a viewer's and
the operator's read everything.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ratelord_core.agent_tools import AgentResource, Reading, ToolCall
from ratelord_core.arbiter import EventFilter
from ratelord_core.errors import Forbidden, NotFound
from ratelord_core.model.instant import from_text, to_seconds
from ratelord_core.model.views import PoolView
from ratelord_core.wire.faults import shown
from ratelord_mcp.addresses import CONFIG, FORECAST, POOL, POOLS
from ratelord_mcp.tools import explain
from ratelord_mcp.tools.usage import may_see

EVENTS: Final = 50
"""Events of one reading."""
ROWS: Final = 500
"""Rows of usage, and nodes of the graph, of one reading."""
QUIET: Final = 60.0
"""Seconds for which the answer about something idle is fresh, at most."""
STIR: Final = 1.0
"""Seconds for which the answer about something in use is fresh."""


async def pools(call: ToolCall) -> Reading:
    """Every pool."""
    views = [view for view in await call.look(call.arbiter.pools) if may_see(call, view)]
    fresh = min((_fresh(call, view) for view in views), default=STIR)
    return Reading({"items": [_shown(call, view) for view in views]}, fresh)


async def pool(call: ToolCall) -> Reading:
    """One pool."""
    view = await _pool(call)
    return Reading(_shown(call, view), _fresh(call, view))


async def forecast(call: ToolCall) -> Reading:
    """One pool's forecast."""
    view = await _pool(call)
    return Reading(view.forecast, _fresh(call, view))


async def identity(call: ToolCall) -> Reading:
    """One identity."""
    identity_id = call.arguments["identity_id"]
    caller = call.caller
    if caller.role != "agent" or caller.identity_id == identity_id:
        for view in await call.look(call.arbiter.identities):
            if view.identity_id == identity_id:
                return Reading(view, STIR)
    raise NotFound(f"no identity {shown(identity_id)} that you may see")


async def intent(call: ToolCall) -> Reading:
    """One intent's story."""
    asked = msgspec.convert(call.arguments, explain.ExplainArguments)
    story = await explain.run(msgspec.structs.replace(call, arguments=asked))
    plain = msgspec.to_builtins(story)
    del plain["alerts"]
    return Reading(plain, STIR)


async def usage(call: ToolCall) -> Reading:
    """Who used what."""
    own = call.caller.identity_id if call.caller.role == "agent" else None
    rows = await call.look(lambda: call.arbiter.usage(identity_id=own))
    return Reading({"items": rows[:ROWS], "more": max(0, len(rows) - ROWS)}, STIR)


async def events(call: ToolCall) -> Reading:
    """The newest events."""
    own = call.caller.identity_id if call.caller.role == "agent" else None
    query = EventFilter(limit=EVENTS, newest_first=True, identity_id=own)
    return Reading({"items": await call.arbiter.events(query)}, 0.0)


async def config(call: ToolCall) -> Reading:
    """The policy in force."""
    _readers_only(call, "the configuration")
    return Reading(await call.look(call.arbiter.policy), QUIET)


async def graph(call: ToolCall) -> Reading:
    """The constraint graph."""
    _readers_only(call, "the graph")
    snapshot = await call.look(call.arbiter.graph)
    nodes = snapshot.nodes[:ROWS]
    kept = {node.id for node in nodes}
    edges = [edge for edge in snapshot.edges if edge.from_id in kept and edge.to_id in kept]
    more = len(snapshot.nodes) - len(nodes)
    content = {"version": snapshot.version, "nodes": nodes, "edges": edges, "more": more}
    return Reading(content, QUIET if not more else STIR)


def _readers_only(call: ToolCall, what: str) -> None:
    if call.caller.role == "agent":
        raise Forbidden(f"{what} is for viewers; list_constraints says what binds you")


async def _pool(call: ToolCall) -> PoolView:
    names = call.arguments
    key = f"{names['provider_id']}/{names['pool_id']}"
    view = await call.look(lambda: call.arbiter.pool(key))
    if not may_see(call, view):
        raise NotFound(f"no pool {shown(key)} that you draw from")
    return view


def _shown(call: ToolCall, view: PoolView) -> dict[str, Any]:
    """A pool; who else draws from it is no agent's business."""
    plain: dict[str, Any] = msgspec.to_builtins(view)
    if call.caller.role == "agent":
        del plain["shares"], plain["members"]
    return plain


def _fresh(call: ToolCall, view: PoolView) -> float:
    """Until when the answer can hold: an idle pool's until its reset, another's for a moment."""
    if view.held or view.scheduled or (view.forecast is not None and view.forecast.burn_rate > 0):
        return STIR
    if view.reset_at is None:
        return QUIET
    left = to_seconds(from_text(view.reset_at) - call.arbiter.now())
    return min(QUIET, max(0.0, left))


RESOURCES: Final = (
    AgentResource("ratelord://events", "events", "Newest events", "The newest 50 events.", events),
    AgentResource("ratelord://usage", "usage", "Usage", "Who used what of which pool.", usage),
    AgentResource(CONFIG, "config", "Policy", "The policy in force, normalised.", config),
    AgentResource("ratelord://graph", "graph", "Constraint graph", "Who shares what.", graph),
    AgentResource(POOLS, "pools", "Pools", "Every pool with its forecast.", pools),
    AgentResource(POOL, "pool", "Pool", "One pool; subscribe to hear when its risk turns.", pool),
    AgentResource(
        "ratelord://identities/{identity_id}", "identity", "Identity", "One credential.", identity
    ),
    AgentResource(
        "ratelord://intents/{intent_id}", "intent", "Intent", "Why it was decided so.", intent
    ),
    AgentResource(FORECAST, "forecast", "Forecast", "How long a pool lasts.", forecast),
)
