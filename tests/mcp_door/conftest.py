"""A server around a living arbiter, spoken to through the SDK's client in both eras."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, Literal

import anyio
import httpx2
import pytest
from mcp import Client, types

from ratelord_core.model.caller import Caller
from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_core.testing.living_arbiter import LivingArbiter, living
from ratelord_core.testing.mcp_wire import Wire
from ratelord_mcp.server import build

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


@pytest.fixture
def visit_modern() -> Visit:
    """Visits in the stateless era."""
    return visiting


@pytest.fixture
def visit_legacy() -> Visit:
    """Visits in the handshake era."""
    return partial(visiting, "legacy")


PORT_POLICY = """
providers:
  mock:
    - {id: mock, poll_interval: 1h, pools: {default: {limit: 1000, window: {kind: fixed, every: 1h}}}}
workloads: {scan: {consumes: {mock/default: 1}}}
"""


@pytest.fixture
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., DaemonProcess]]:
    """Starts daemons of this test's own; they end with it."""
    started: list[DaemonProcess] = []

    def begin(**environment: str) -> DaemonProcess:
        folder = tmp_path_factory.mktemp("own")
        daemon = DaemonProcess(folder, policy=PORT_POLICY, environment=environment)
        started.append(daemon.start())
        wait_until_ready(daemon)
        return daemon

    yield begin
    for daemon in started:
        if daemon.running:
            daemon.stop()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonProcess]:
    """A daemon that takes a missing token for the local operator."""
    with DaemonProcess(tmp_path_factory.mktemp("mcp"), policy=PORT_POLICY) as running:
        wait_until_ready(running)
        yield running


def wait_until_ready(daemon: DaemonProcess) -> None:
    """Until its first polls have ended."""
    ends = time.monotonic() + 60
    while httpx2.get(f"{daemon.url}/v1/health/ready", timeout=60).status_code != 200:
        assert time.monotonic() < ends
        time.sleep(0.02)


@pytest.fixture
def wire(daemon: DaemonProcess) -> Iterator[Wire]:
    """Raw JSON-RPC to that daemon."""
    wire = Wire(daemon.url)
    yield wire
    wire.http.close()
