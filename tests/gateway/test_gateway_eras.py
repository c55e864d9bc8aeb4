"""Through the SDK's own client, in both eras: a wrapped server is a server like any other."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError, StdioServerParameters, types

from ratelord_core.testing.desk import Desk

WordsOf = Callable[..., list[str]]


@pytest.fixture(params=["auto", "legacy"])
def visit(request: pytest.FixtureRequest, desk: Desk, words_of: WordsOf) -> Callable[..., Any]:
    """A client of a gateway, in one era."""

    @asynccontextmanager
    async def visiting(name: str, **options: Any) -> AsyncIterator[Client]:
        command, *arguments = words_of(name)
        environment = {**os.environ, "RATELORD_URL": desk.daemon.url}
        place = StdioServerParameters(command=command, args=arguments, env=environment)
        async with Client(place, mode=request.param, **options) as client:
            yield client

    return visiting


class Human:
    """Answers every question alike, and remembers them."""

    def __init__(self, **content: Any) -> None:
        self.asked: list[str] = []
        self._content = content

    async def __call__(self, _context: Any, params: Any) -> types.ElicitResult:
        self.asked.append(params.message)
        return types.ElicitResult(action="accept", content=self._content)


def said(result: types.CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, types.TextContent)
    return content.text


def submitted(desk: Desk, workload: str) -> int:
    return len(desk.get(f"/v1/events?type=intent_submitted&workload_id={workload}&limit=1000"))


def test_tools_errors_and_refusals(visit: Callable[..., Any], desk: Desk) -> None:
    async def scene() -> None:
        async with visit("full") as client:
            tools = await client.list_tools()
            assert [tool.name for tool in tools.tools] == ["echo", "shaped"]
            assert tools.next_cursor == "more"
            results = [await client.call_tool("shaped", {}) for _ in range(3)]
            assert results[-1].is_error
            assert "retry_at=" in said(results[-1])
            assert results[-1].meta is not None
            assert results[-1].meta["dev.ratelord/decision"]["tightest_pool"] == "cap/full"
        async with visit("free") as client:
            with pytest.raises(MCPError) as refused:
                await client.call_tool("refuse", {"code": -32050, "said": "odd"})
            assert (refused.value.code, refused.value.error.data) == (-32050, {"odd": [1]})

    anyio.run(scene)


def test_a_server_that_asks_the_human_in_mid_call_is_paid_once(
    visit: Callable[..., Any], desk: Desk
) -> None:
    human, before = Human(n=3), submitted(desk, "free/human")

    async def scene() -> None:
        async with visit("free", elicitation_callback=human) as client:
            assert '"n": 3' in said(await client.call_tool("human", {}))

    anyio.run(scene)
    assert human.asked == ["n?"]
    assert submitted(desk, "free/human") == before + 1
    assert desk.pool("cap/free")["held"] == 0


def test_the_human_may_allow_what_an_overridable_rule_denies(
    visit: Callable[..., Any], desk: Desk
) -> None:
    human, before = Human(allow=True, reason="it burns"), len(desk.events("policy_overridden"))

    async def scene() -> None:
        async with visit("night", elicitation_callback=human) as client:
            assert json.loads(said(await client.call_tool("echo", {"a": 1}))) == {"a": 1}

    anyio.run(scene)
    assert "mcp:mcp wants to call night/echo" in human.asked[0]
    logged = desk.events("policy_overridden")[before:]
    assert [event["payload"]["by"] for event in logged] == ["human at mcp:mcp"]
    assert desk.pool("cap/human")["held"] == 0


@pytest.mark.parametrize("human", [Human(allow=False), None])
def test_without_a_yes_it_stays_a_denial(
    visit: Callable[..., Any], desk: Desk, human: Human | None
) -> None:
    before = len(desk.events("policy_overridden"))

    async def scene() -> None:
        async with visit("night", elicitation_callback=human) as client:
            result = await client.call_tool("echo", {"a": 1})
            assert result.is_error
            assert "rule 'closed' of policy 'night'" in said(result)
            assert json.loads(said(await client.call_tool("count", {}))) == ["count"]

    anyio.run(scene)
    assert len(desk.events("policy_overridden")) == before
