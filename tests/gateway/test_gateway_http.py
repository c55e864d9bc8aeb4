"""A server behind an address: streamable HTTP, in the era of whoever speaks to the gateway."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError, StdioServerParameters, types

from ratelord_core.testing.desk import Desk, patiently

SERVER = Path(__file__).with_name("scripted_http_server.py")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the server listens."""
    words = [sys.executable, str(SERVER)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


@pytest.fixture(params=["auto", "legacy"])
def visit(request: pytest.FixtureRequest, desk: Desk, address: str) -> Callable[..., Any]:
    """A client of a gateway before it, in one era; the gateway speaks over standard input."""

    @asynccontextmanager
    async def visiting(name: str, token: str = "secret", **options: Any) -> AsyncIterator[Client]:
        gateway = ["-m", "ratelord_core.cli", "mcp", "wrap", "--name", name, "--url", address]
        environment = {
            **os.environ,
            "RATELORD_URL": desk.daemon.url,
            "RATELORD_UPSTREAM_TOKEN": token,
            "TEAM": "a",
        }
        place = StdioServerParameters(
            command=sys.executable, args=[*gateway, "--header-env", "x-team=TEAM"], env=environment
        )
        async with Client(place, mode=request.param, **options) as client:
            yield client

    return visiting


def said(result: types.CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, types.TextContent)
    return content.text


async def yes(_context: Any, _params: Any) -> types.ElicitResult:
    return types.ElicitResult(action="accept", content={"n": 3})


def test_tools_resources_progress_and_questions_pass(visit: Callable[..., Any], desk: Desk) -> None:
    progress: list[float] = []

    async def note(done: float, _total: float | None, _message: str | None) -> None:
        progress.append(done)

    async def scene() -> None:
        async with visit("free", elicitation_callback=yes) as client:
            assert {"echo", "human"} <= {tool.name for tool in (await client.list_tools()).tools}
            read = await client.read_resource("a://b")
            assert isinstance(read.contents[0], types.TextResourceContents)
            assert read.contents[0].text == "read"
            echoed = await client.call_tool("echo", {"a": 1}, progress_callback=note)
            assert said(echoed) == '{"a": 1}'
            if client.protocol_version < "2026":  # its own way of asking is of that era
                assert said(await client.call_tool("human", {})) == "3"
            with pytest.raises(MCPError):
                await client.read_resource("a://none")

    anyio.run(scene)
    assert progress == [1]
    assert desk.pool("cap/free")["held"] == 0
    assert desk.get("/v1/events?type=intent_reported&workload_id=free/echo")


def test_a_limit_below_the_protocol_is_reported_as_one(
    visit: Callable[..., Any], desk: Desk
) -> None:
    before = len(desk.get("/v1/events?type=intent_reported&workload_id=free/limited"))

    async def scene() -> None:
        async with visit("free") as client:
            with pytest.raises(MCPError):
                await client.call_tool("limited", {})

    anyio.run(scene)

    def outcomes() -> Any:
        found = desk.get("/v1/events?type=intent_reported&order=asc&workload_id=free/limited")
        return [event["payload"]["outcome"] for event in found][before:]

    assert patiently(outcomes)[0] == "rate_limited"


def test_a_refusal_never_reaches_the_server(visit: Callable[..., Any]) -> None:
    async def scene() -> None:
        async with visit("full") as client:
            results = [await client.call_tool("echo", {"a": n}) for n in range(3)]
            assert results[-1].is_error
            assert "retry_at=" in said(results[-1])

    anyio.run(scene)


def test_a_header_without_its_variable_is_refused_at_the_start() -> None:
    from ratelord_core.testing.desk import run_command

    done = run_command(
        "mcp", "wrap", "--url", "http://127.0.0.1:1/mcp", "--header-env", "a=NO_SUCH"
    )

    assert done.returncode == 2
    assert "write NAME=VARIABLE, and set that variable" in done.stderr
