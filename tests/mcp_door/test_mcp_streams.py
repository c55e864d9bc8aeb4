"""Whom the door can speak to before it answers: progress, and questions to a client's human.

Behind the daemon's door stand the tools of the conformance suite here, since ours say nothing before
their results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, types

from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_core.testing.mcp_wire import BOTH, Wire, request

PLUGIN = Path(__file__).parents[1] / "mcp_external" / "fixture_plugin"
Run = Callable[..., Any]
STREAM, JSON = "text/event-stream", "application/json"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonProcess]:
    """A daemon with those tools."""
    with DaemonProcess(
        tmp_path_factory.mktemp("streams"),
        policy="",
        arguments=["--without", "mcp"],
        environment={"PYTHONPATH": str(PLUGIN)},
    ) as running:
        yield running


@pytest.fixture
def wire(daemon: DaemonProcess) -> Iterator[Wire]:
    """Raw JSON-RPC to it."""
    with Wire(daemon.url) as wire:
        yield wire


def kind(answer: httpx2.Response) -> str:
    """The media type of an answer that must be good."""
    assert answer.status_code == 200, answer.text
    return str(answer.headers["content-type"]).partition(";")[0]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_progress_reaches_a_client_that_can_be_spoken_to(
    daemon: DaemonProcess, run: Run, mode: Any
) -> None:
    heard: list[float] = []

    async def hear(progress: float, _total: float | None, _message: str | None) -> None:
        heard.append(progress)

    async def answer(_context: Any, _params: Any) -> types.ElicitResult:
        return types.ElicitResult(action="decline")

    async def scene() -> None:
        url = f"{daemon.url}/mcp"
        async with Client(url, mode=mode, elicitation_callback=answer) as client:
            await client.call_tool("test_tool_with_progress", {}, progress_callback=hear)

    run(scene)

    assert heard == [0, 50, 100]


@pytest.mark.parametrize(
    ("mode", "tool"),
    [("auto", "test_input_required_result_elicitation"), ("legacy", "test_elicitation")],
)
def test_the_human_of_a_client_can_be_asked_over_http(
    daemon: DaemonProcess, run: Run, mode: Any, tool: str
) -> None:
    async def answer(_context: Any, _params: Any) -> types.ElicitResult:
        content = {"name": "Ada", "username": "Ada", "email": "ada@example.org"}
        return types.ElicitResult(action="accept", content=content)

    async def scene() -> None:
        url = f"{daemon.url}/mcp"
        async with Client(url, mode=mode, elicitation_callback=answer) as client:
            told = await client.call_tool(tool, {"message": "Who?"} if mode == "legacy" else {})
            assert "Ada" in str(told.content)

    run(scene)


@pytest.mark.parametrize(
    ("capabilities", "answered"),
    [({}, JSON), ({"roots": {}}, JSON), ({"elicitation": {}}, STREAM), ({"sampling": {}}, STREAM)],
)
def test_a_session_gets_streams_only_if_its_client_can_be_asked(
    wire: Wire, capabilities: dict[str, Any], answered: str
) -> None:
    opened = wire.open(**capabilities)

    assert kind(opened) == answered
    listed = wire.legacy(request("tools/list"), opened.headers["mcp-session-id"])
    assert kind(listed) == answered


def test_a_client_that_takes_only_json_gets_json(wire: Wire) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize"}
    params = {"protocolVersion": "2025-11-25", "clientInfo": {"name": "test", "version": "0"}}

    opened = wire.legacy(
        body | {"params": params | {"capabilities": {"sampling": {}}}}, accept=JSON
    )

    assert kind(opened) == JSON


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xfe", b"[]", b"{", b'{"params": 1}', b'{"params":' + b"[" * 100_000],
    ids=["nothing", "no text", "a batch", "half", "wrong", "deep"],
)
def test_an_opening_that_is_no_opening_is_refused(wire: Wire, body: bytes) -> None:
    headers = {"accept": BOTH, "content-type": JSON}

    answer = wire.http.post("/mcp", content=body, headers=headers)

    assert answer.status_code == 400
    assert len(answer.content) < 300


def test_the_log_names_no_session(daemon: DaemonProcess, wire: Wire) -> None:
    session, _ = wire.handshake()
    wire.http.request("DELETE", "/mcp", headers={"mcp-session-id": session})

    assert session not in daemon.log
