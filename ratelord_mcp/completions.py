"""Completes every id: of pools, providers, identities, agents, scopes, intents."""

from __future__ import annotations

from typing import Final

from mcp import types

from ratelord_core.agent_tools import ToolCall
from ratelord_core.arbiter import Arbiter, EventFilter
from ratelord_mcp.call import Context
from ratelord_mcp.toolbox import CallerOf
from ratelord_mcp.tools.usage import may_see

MOST: Final = 100
"""Values of one answer; the protocol allows no more."""
_NODES: Final = {"agent_id": "agent", "scope_id": "scope", "workload_id": "workload"}


class Completions:
    """Answers ``completion/complete``."""

    def __init__(self, arbiter: Arbiter, caller_of: CallerOf, *, blocking: bool) -> None:
        self._arbiter = arbiter
        self._caller_of = caller_of
        self._blocking = blocking

    async def complete(
        self, context: Context, params: types.CompleteRequestParams
    ) -> types.CompleteResult:
        """What begins with, or else contains, what was typed."""
        call = ToolCall(self._arbiter, self._caller_of(context), None, self._blocking)
        said = (params.context.arguments if params.context is not None else None) or {}
        known = await self._known(call, params.argument.name, said)
        typed = params.argument.value
        begins = [value for value in known if value.startswith(typed)]
        found = begins + [value for value in known if typed in value and value not in begins]
        completion = types.Completion(
            values=found[:MOST], total=len(found), has_more=len(found) > MOST
        )
        return types.CompleteResult(completion=completion)

    async def _known(self, call: ToolCall, name: str, said: dict[str, str]) -> list[str]:
        if name in ("provider_id", "pool_id"):
            views = [view for view in await call.look(call.arbiter.pools) if may_see(call, view)]
            if name == "provider_id":
                return sorted({view.provider_id for view in views})
            provider = said.get("provider_id")
            return sorted({v.pool_id for v in views if provider in (None, v.provider_id)})
        if name == "identity_id":
            return await self._identities(call)
        if name == "intent_id":
            return await self._intents(call)
        return await self._nodes(call, name)

    async def _identities(self, call: ToolCall) -> list[str]:
        own = call.caller.identity_id
        if call.caller.role == "agent":
            return [own] if own is not None else []
        return [view.identity_id for view in await call.look(call.arbiter.identities)]

    async def _intents(self, call: ToolCall) -> list[str]:
        own = call.caller.identity_id if call.caller.role == "agent" else None
        query = EventFilter(
            types=("intent_submitted",), limit=MOST, newest_first=True, identity_id=own
        )
        return [event.event_id for event in await call.arbiter.events(query)]

    async def _nodes(self, call: ToolCall, name: str) -> list[str]:
        kind = _NODES.get(name)
        if kind is None or call.caller.role == "agent":
            return []
        snapshot = await call.look(call.arbiter.graph)
        return sorted(node.label for node in snapshot.nodes if node.type == kind)
