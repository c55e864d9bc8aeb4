"""A server around a living arbiter, spoken to through the SDK's client in both eras."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from mcp import Client, types

from ratelord_core.model.caller import Caller
from ratelord_core.testing.living_arbiter import LivingArbiter, living
from ratelord_mcp.server import build

sys.path.insert(0, str(Path(__file__).parent))  # the tests here share mcp_wire.py

POLICY = """
pools:
  - {id: team/requests, limit: 100, window: {kind: fixed, every: 60s}}
  - {id: team/tokens, unit: tokens, limit: 5000, window: {kind: bucket, every: 10s}, shared_by: [chat]}
  - {id: team/few, limit: 3, window: {kind: fixed, every: 1h}, shared_by: [rare]}
workloads:
  chat: {consumes: {team/tokens: 50}}
  rare: {consumes: {team/few: 1}}
policies:
  - id: house
    rules:
      - {name: no-forbidden-work, condition: "intent.workload_id == 'forbidden'", action: deny,
         params: {reason: "that work is not done here"}}
"""
NAMES = {
    "agent_id": "crawler-01",
    "identity_id": "pat:rmax",
    "workload_id": "scan",
    "scope_id": "repo:acme/api",
}
Era = Literal["auto", "legacy"]


class Guest:
    """A client of the server, and the arbiter behind it."""

    def __init__(self, client: Client, alive: LivingArbiter) -> None:
        self.client = client
        self.alive = alive

    async def call(self, tool: str, **arguments: Any) -> types.CallToolResult:
        """Call a tool; whatever comes of it."""
        return await self.client.call_tool(tool, arguments)

    async def told(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool, which must answer; its structured content, which the text repeats."""
        result = await self.call(tool, **arguments)
        assert not result.is_error, text_of(result)
        assert result.structured_content is not None
        assert json.loads(text_of(result)) == result.structured_content
        return dict(result.structured_content)

    async def ask(self, **fields: Any) -> dict[str, Any]:
        """Ask, with ordinary names where none are given."""
        return await self.told("ask_intent", **(NAMES | fields))

    async def mistaken(self, tool: str, **arguments: Any) -> str:
        """Call a tool, which must refuse; the line that the model reads."""
        result = await self.call(tool, **arguments)
        assert result.is_error
        line = text_of(result)
        assert "\n" not in line
        assert "Traceback" not in line
        return line


Visit = Callable[..., AbstractAsyncContextManager[Guest]]


def text_of(result: types.CallToolResult) -> str:
    """The one text of a result."""
    (content,) = result.content
    assert isinstance(content, types.TextContent)
    return content.text


@asynccontextmanager
async def visiting(
    era: Era = "auto", policy: str = POLICY, caller: Caller | None = None, **options: Any
) -> AsyncIterator[Guest]:
    """A client in one era of a server of its own."""
    who = caller or Caller(door="mcp")
    async with living(policy) as alive:
        server = build(alive.arbiter, lambda _context: who, **options)
        async with Client(server, mode=era) as client:
            yield Guest(client, alive)


@pytest.fixture
def run() -> Callable[..., Any]:
    """Run a coroutine function."""
    return anyio.run


@pytest.fixture(params=["auto", "legacy"])
def visit(request: pytest.FixtureRequest) -> Visit:
    """Visits in the stateless era and in the handshake era."""

    def visit_in_era(**options: Any) -> AbstractAsyncContextManager[Guest]:
        return visiting(request.param, **options)

    return visit_in_era
