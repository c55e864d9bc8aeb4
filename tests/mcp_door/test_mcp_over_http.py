"""``/mcp`` of a real daemon: raw JSON-RPC in both eras, and the SDK's client."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from mcp import Client

from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_core.testing.mcp_wire import Wire, modern, modern_headers, request

NAMES = {
    "agent_id": "crawler-01",
    "identity_id": "pat:rmax",
    "workload_id": "scan",
    "scope_id": "repo:acme/api",
}
Run = Callable[..., Any]
Start = Callable[..., DaemonProcess]


def test_the_stateless_era_asks_and_reports_without_a_handshake(wire: Wire) -> None:
    answer = wire.modern("tools/call", "ask_intent", name="ask_intent", arguments=NAMES)

    assert answer.headers["content-type"] == "application/json"
    assert "mcp-session-id" not in answer.headers
    result = answer.json()["result"]
    told = result["structuredContent"]
    assert told["decision"] == "approve"
    assert json.loads(result["content"][0]["text"]) == told
    assert result["content"][0]["text"] == json.dumps(told, separators=(",", ":"))
    reported = wire.call("report_usage", intent_id=told["intent_id"], outcome="cancelled")
    assert reported["structuredContent"]["settled"][0]["settled"] == 0


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
def test_the_handshake_era_opens_a_session_in_each_of_its_revisions(
    wire: Wire, version: str
) -> None:
    session, told = wire.handshake(version)

    assert told["protocolVersion"] == version
    assert told["serverInfo"]["name"] == "ratelord"
    assert "ask_intent" in told["instructions"]
    assert told["capabilities"]["resources"] == {"subscribe": True, "listChanged": True}
    called = wire.legacy(
        request("tools/call", name="ask_intent", arguments=NAMES),
        session,
        **{"mcp-protocol-version": version},
    )
    assert called.json()["result"]["structuredContent"]["allowed"] is True


def test_every_reply_carries_a_request_id_and_the_security_headers(wire: Wire) -> None:
    answer = wire.modern("tools/list")

    assert answer.headers["x-request-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_session_that_ended_or_never_was_is_not_found(wire: Wire) -> None:
    session, _ = wire.handshake()
    ended = wire.http.request("DELETE", "/mcp", headers={"mcp-session-id": session})
    assert ended.status_code == 200

    for name in (session, "0123456789abcdef", "x" * 5000):
        assert wire.legacy(request("ping"), name).status_code == 404


def test_an_open_stream_does_not_keep_the_daemon_alive(start: Start) -> None:
    daemon = start()
    body = modern(
        "subscriptions/listen", notifications={"resourceSubscriptions": ["ratelord://pools"]}
    )
    headers = modern_headers("subscriptions/listen")
    wire = Wire(daemon.url)
    session, _ = wire.handshake()
    quiet = {"accept": "text/event-stream", "mcp-session-id": session}
    try:
        with (
            wire.http.stream("POST", "/mcp", json=body, headers=headers) as stream,
            wire.http.stream("GET", "/mcp", headers=quiet) as standing,
        ):
            assert standing.status_code == 200
            lines = stream.iter_lines()
            assert "acknowledged" in next(line for line in lines if line.startswith("data:"))

            assert daemon.stop() == 0
            said = [line for line in lines if line.startswith("data:")]

        assert json.loads(said[-1][5:])["result"]["resultType"] == "complete"
    finally:
        wire.http.close()
        if daemon.running:
            daemon.stop()


def test_the_sdk_finds_everything_in_both_eras(daemon: DaemonProcess, run: Run) -> None:
    async def scene(mode: str) -> None:
        async with Client(f"{daemon.url}/mcp", mode=mode) as client:
            tools = [tool.name for tool in (await client.list_tools()).tools]
            assert tools[:2] == ["ask_intent", "report_usage"]
            told = await client.call_tool("ask_intent", NAMES)
            assert told.structured_content is not None
            assert told.structured_content["allowed"] is True
            assert (await client.list_prompts()).prompts[0].name == "ratelord-aware"
            read = await client.read_resource("ratelord://pools/mock/default")
            assert json.loads(read.contents[0].text)["limit"] == 1000  # type: ignore[union-attr]

    for mode in ("auto", "legacy"):
        anyio.run(scene, mode)
