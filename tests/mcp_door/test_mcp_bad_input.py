"""What strangers send: clear refusals, nothing that leaks, no hold left behind."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_core.testing.mcp_wire import META, Wire, modern, modern_headers, request

NAMES = {"agent_id": "a:1", "identity_id": "i:1", "workload_id": "scan", "scope_id": "global"}
LEAKS = ("Traceback", "pydantic", "http://", "https://", "site-packages", "0x")
Start = Callable[..., DaemonProcess]


def held(wire: Wire) -> int:
    """Units that are held of the one pool."""
    pool = wire.http.get("/v1/pools/mock/default").json()
    return int(pool["held"]) + int(pool["scheduled"])


def line_of(answer: Any) -> str:
    """The one line of a result that the model is to put right."""
    result = answer.json()["result"]
    assert result["isError"] is True
    (content,) = result["content"]
    return str(content["text"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "agent_id: is required"),
        (NAMES | {"agent_id": None}, "agent_id: takes a text"),
        (NAMES | {"agent_id": 3}, "agent_id: takes a text, not a whole number"),
        (NAMES | {"agent_id": "a b"}, "is not an id"),
        (NAMES | {"agent_id": "x" * 257}, "is not an id"),
        (NAMES | {"agent_id": "sentinel:system"}, "the daemon's own name"),
        (NAMES | {"scope_id": "a\0b"}, "NUL"),
        (NAMES | {"expected_cost": -1}, "expected_cost: -1"),
        (NAMES | {"expected_cost": 2**60}, "is not an amount"),
        (NAMES | {"expected_cost": "3"}, "expected_cost: takes a number"),
        (NAMES | {"urgency": "now"}, "'now' is not one of high, normal, background"),
        (NAMES | {"costs": {"nopool": 1}}, "is not a pool key"),
        (NAMES | {"provider_id": "nobody"}, "nobody"),
        (NAMES | {"surprise": 1}, "'surprise': is not an argument; it takes agent_id"),
        (NAMES | {"debug": True}, "'debug': is not an argument"),
        (NAMES | {f"x{n}": 1 for n in range(500)}, "is not an argument"),
        (NAMES | {"idempotency_key": ""}, "idempotency_key"),
    ],
    ids=str,
)
def test_wrong_arguments_are_told_to_the_model_in_one_line(
    wire: Wire, arguments: dict[str, Any], said: str
) -> None:
    before = held(wire)

    answer = wire.modern("tools/call", "ask_intent", name="ask_intent", arguments=arguments)
    line = line_of(answer)

    assert answer.status_code == 200
    assert said in line
    assert line == line.strip()
    assert "\n" not in line
    assert len(line) < 1500
    assert not [leak for leak in LEAKS if leak in line]
    assert held(wire) == before


def test_an_unknown_tool_is_an_error_of_the_protocol_that_names_the_tools(wire: Wire) -> None:
    answer = wire.modern("tools/call", "drop_tables", name="drop_tables", arguments={})

    error = answer.json()["error"]
    assert answer.status_code == 400
    assert error["code"] == -32602
    assert "Unknown tool: 'drop_tables'; there are ask_intent" in error["message"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "t\xff"}', -32700),
        (b"[" * 100_000, -32700),
        (b"[]", -32600),
        (b'"hello"', -32600),
        (json.dumps([modern("tools/list")]).encode(), -32600),
        (json.dumps(modern("tools/list") | {"id": None}).encode(), -32600),
        (json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode(), -32602),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_request_is_refused_by_the_protocols_rules(
    wire: Wire, body: bytes, code: int
) -> None:
    answer = wire.http.post("/mcp", content=body, headers=modern_headers("tools/list"))

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == code
    assert wire.modern("tools/list").status_code == 200


def test_a_body_that_is_too_large_is_refused_unread(wire: Wire) -> None:
    answer = wire.http.post("/mcp", content=b" " * 300_000, headers=modern_headers("tools/list"))

    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"content-type": "text/plain"}, (400, 415)),
        ({"accept": "text/html"}, (406,)),
        ({"mcp-method": "tools/call"}, (400,)),
        ({"mcp-name": "report_usage"}, (400,)),
        ({"mcp-protocol-version": "2099-01-01"}, (400,)),
        ({"host": "evil.example"}, (403,)),
        ({"origin": "https://evil.example"}, (403,)),
        ({"origin": "null"}, (403,)),
        ({"authorization": "Bearer forged"}, (401,)),
    ],
    ids=str,
)
def test_headers_that_do_not_fit_are_refused_and_nothing_is_held(
    wire: Wire, changed: dict[str, str], status: tuple[int, ...]
) -> None:
    before = held(wire)
    headers = modern_headers("tools/call", "ask_intent") | changed
    if "mcp-method" in changed:
        headers = modern_headers("tools/list") | {"mcp-name": "ask_intent"}
    body = modern("tools/call", name="ask_intent", arguments=NAMES)

    answer = wire.http.post("/mcp", json=body, headers=headers)

    assert answer.status_code in status, answer.text
    assert held(wire) == before


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "localhost:1"])
def test_the_loopback_names_are_good_with_a_port_and_without(wire: Wire, host: str) -> None:
    answer = wire.http.post(
        "/mcp", json=modern("tools/list"), headers=modern_headers("tools/list") | {"host": host}
    )

    assert answer.status_code == 200


def test_white_space_around_header_values_means_nothing(daemon: DaemonProcess) -> None:
    body = json.dumps(modern("tools/call", name="ask_intent", arguments=NAMES | {"dry_run": True}))
    headers = modern_headers("tools/call", "ask_intent") | {"host": "localhost"}
    head = "".join(f"{name}: \t {value} \t \r\n" for name, value in headers.items())
    address = urlsplit(daemon.url)
    with socket.create_connection((address.hostname or "", address.port or 0), 10) as line:
        line.sendall(
            f"POST /mcp HTTP/1.1\r\n{head}content-length: {len(body)}\r\n"
            f"connection: close\r\n\r\n{body}".encode()
        )
        answer = b"".join(iter(lambda: line.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 200")
    assert b'"decision":"approve"' in answer


def test_eras_do_not_mix(wire: Wire) -> None:
    session, _ = wire.handshake()

    enveloped = request("tools/list", _meta=META)
    initialize = modern("initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo={})

    assert wire.legacy(request("tools/list")).status_code in (400, 404), "no session was opened"
    assert "error" in wire.legacy(request("subscriptions/listen"), session).json()
    assert wire.http.post("/mcp", json=initialize, headers=modern_headers("initialize")).json()[
        "error"
    ]["code"] in (-32601, -32022, -32602)
    mixed = wire.legacy(enveloped, session)
    assert "resultType" not in mixed.json()["result"], "a session stays in the era it was opened in"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS"])
def test_other_methods_do_not_fit(wire: Wire, method: str) -> None:
    assert wire.http.request(method, "/mcp").status_code == 405


def test_tokens_say_who_asks_and_roles_what_they_may(start: Start) -> None:
    daemon = start(RATELORD_AUTH="local")
    operator = Wire(daemon.url)
    tokens = {}
    for role in ("agent", "viewer", "admin"):
        body = {
            "identity_id": f"id:{role}",
            "role": role,
            "owner": "crawler",
            "owner_kind": "agent",
        }
        tokens[role] = operator.http.post("/v1/identities", json=body).json()["token"]
    agent, viewer = Wire(daemon.url, tokens["agent"]), Wire(daemon.url, tokens["viewer"])
    try:
        ask = {"workload_id": "scan", "scope_id": "global", "agent_id": "somebody"}
        told = agent.call("ask_intent", **ask)["structuredContent"]
        (asked,) = operator.http.get("/v1/events?type=intent_submitted").json()
        assert told["allowed"]
        assert asked["dimensions"]["identity_id"] == "id:agent"
        assert asked["dimensions"]["agent_id"] == "crawler"
        assert asked["source"]["origin_kind"] == "mcp"
        refused = viewer.call("ask_intent", identity_id="i", **ask)
        assert (
            refused["content"][0]["text"] == "role viewer may only look; use a token of role agent"
        )
        assert viewer.call("check_usage")["structuredContent"]["pools"]

        session, _ = agent.handshake()
        assert agent.legacy(request("ping"), session).status_code == 200
        for stranger in (viewer, operator):
            assert stranger.legacy(request("ping"), session).status_code == 404
    finally:
        for wire in (operator, agent, viewer):
            wire.http.close()


def test_where_tokens_are_required_nobody_enters_without(start: Start) -> None:
    daemon = start(RATELORD_AUTH="required")
    wire = Wire(daemon.url)
    try:
        answer = wire.modern("tools/list")
    finally:
        wire.http.close()

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "audience", ["https://other.example/mcp", "{here}/v1/intent", "{here}/mcp"]
)
def test_a_token_made_for_another_address_is_refused_on_every_way_to_be_answered(
    wire: Wire, daemon: DaemonProcess, audience: str
) -> None:
    wire.call("check_usage")  # from now on hot calls are answered before the door
    identity = f"pat:for:{len(audience)}"
    body = {
        "identity_id": identity,
        "metadata": {"audience": audience.format(here=daemon.url)},
    }
    made = wire.http.post("/v1/identities", json=body)
    good = audience.endswith("here}/mcp")
    ask = {"agent_id": "a", "workload_id": "scan", "scope_id": "global", "identity_id": identity}
    tools = {"ask_intent": ask, "report_usage": {"intent_id": "none"}, "check_usage": {}}

    with Wire(daemon.url, made.json()["token"]) as theirs:
        answers = [
            theirs.modern("tools/call", name, name=name, arguments=arguments)
            for name, arguments in tools.items()
        ]
        answers.append(theirs.open())

    assert [answer.status_code for answer in answers] == [200 if good else 401] * 4
