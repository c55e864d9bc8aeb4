"""What somebody with bad intentions sends to ``/mcp`` of a daemon: it is refused, bounded, forgotten."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_core.testing.mcp_wire import BOTH, META, Wire, modern_headers, request

POLICY = """
pools: [{id: team/requests, limit: 1000, window: {kind: fixed, every: 1h}}]
workloads: {scan: {consumes: {team/requests: 1}}}
"""
ASK = {
    "agent_id": "crawler-01",
    "identity_id": "pat:rmax",
    "workload_id": "scan",
    "scope_id": "repo:acme/api",
}
PLAIN = {"accept": BOTH, "content-type": "application/json"}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonProcess]:
    """The daemon that is attacked; it must be as good as new after each test."""
    with DaemonProcess(tmp_path_factory.mktemp("attacked"), policy=POLICY) as running:
        yield running


@pytest.fixture
def wire(daemon: DaemonProcess) -> Iterator[Wire]:
    """Raw JSON-RPC to it. Whatever was sent: nothing is held, and the next one is served."""
    with Wire(daemon.url) as wire:
        yield wire
        (pool,) = wire.http.get("/v1/pools").json()["items"]
        assert (pool["held"], pool["used"]) == (0, 0)
        assert not wire.call("check_usage")["isError"]
    assert "Traceback" not in daemon.log


@pytest.mark.parametrize("made_up", [None, True, 1.5, {}, [1]], ids=str)
def test_a_question_with_an_id_of_no_use_is_refused_and_not_taken_for_a_notification(
    wire: Wire, made_up: Any
) -> None:
    session, _ = wire.handshake()
    asked = request("tools/call", name="ask_intent", arguments=ASK) | {"id": made_up}

    answer = wire.legacy(asked, session)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == -32600
    enveloped = asked | {"params": asked["params"] | {"_meta": META}}
    headers = modern_headers("tools/call", "ask_intent")
    assert wire.http.post("/mcp", json=enveloped, headers=headers).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":' + b'{"a":' * 20_000,
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"\xff\xfe"}}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"\\ud800"}}',
        '{"jsonrpc":"2.0","id":1,"method":"ping"}'.encode("utf-16"),
        b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]',
        b'{"jsonrpc":"1.0","id":1,"method":"ping"}',
    ],
    ids=["deep", "no UTF-8", "half a character", "UTF-16", "a batch", "an older protocol"],
)
def test_what_is_no_message_is_refused_in_one_line(wire: Wire, body: bytes) -> None:
    session, _ = wire.handshake()

    answers = [
        wire.http.post("/mcp", content=body, headers=PLAIN | {"mcp-session-id": session}),
        wire.http.post("/mcp", content=body, headers=modern_headers("ping")),
    ]

    for answer in answers:
        assert answer.status_code == 400
        assert "error" in answer.json()
        assert len(answer.content) < 300


@pytest.mark.parametrize(
    "uri",
    [
        "ratelord://pools/../config",
        "ratelord://pools/%2e%2e/%2e%2e",
        "ratelord://pools/a%00b/c",
        "ratelord://pools/%ff%fe/x",
        "ratelord://u:p@pools",
        "ratelord://pools?x=1#y",
        "ratelord://pools/" + "x" * 10_240,
        "file:///etc/passwd",
        "",
    ],
)
def test_an_address_that_leads_elsewhere_leads_nowhere(wire: Wire, uri: str) -> None:
    session, _ = wire.handshake()

    answers = [
        wire.legacy(request("resources/read", uri=uri), session),
        wire.legacy(request("resources/subscribe", uri=uri), session),
        wire.modern("resources/read", uri, uri=uri),
    ]

    for answer in answers:
        error = answer.json()["error"]
        assert error["code"] == -32602
        assert "no such resource" in error["message"]
        assert len(answer.content) < 400


def test_a_body_without_end_is_cut_off_before_anybody_reads_it(wire: Wire) -> None:
    pieces = (b"x" * 16_384 for _ in range(64))

    answer = wire.http.post("/mcp", content=pieces, headers=PLAIN)

    assert answer.status_code == 413


def test_who_never_ends_a_request_holds_up_nobody_else(daemon: DaemonProcess, wire: Wire) -> None:
    place = urlsplit(daemon.url)
    slow = [socket.create_connection((place.hostname, place.port), 5) for _ in range(20)]
    try:
        for number, connection in enumerate(slow):
            headers = PLAIN if number % 2 else modern_headers("tools/call", "ask_intent")
            head = "\r\n".join(f"{name}: {value}" for name, value in headers.items())
            begun = f"POST /mcp HTTP/1.1\r\nhost: localhost\r\n{head}\r\ncontent-length: 500"
            connection.sendall(f"{begun}\r\n\r\n{{".encode())

        session, _ = wire.handshake()

        assert wire.legacy(request("ping"), session).json()["result"] == {}
    finally:
        for connection in slow:
            connection.close()


def test_who_opens_sessions_without_end_loses_its_own_and_shuts_out_nobody(
    daemon: DaemonProcess, wire: Wire
) -> None:
    with Wire(daemon.url) as operator:
        token = operator.http.post("/v1/identities", json={"identity_id": "pat:calm"}).json()
    mine, _ = wire.handshake()
    with Wire(daemon.url, token["token"]) as calm, Wire(daemon.url) as greedy:
        theirs, _ = calm.handshake()
        opened = [greedy.open(client="greedy") for _ in range(600)]
        sessions = [one.headers["mcp-session-id"] for one in opened]

        assert greedy.legacy(request("ping"), sessions[0]).status_code == 404
        assert greedy.legacy(request("ping"), sessions[-1]).json()["result"] == {}
        assert calm.legacy(request("ping"), theirs).json()["result"] == {}
        assert calm.open().status_code == 200
    assert wire.legacy(request("ping"), mine).json()["result"] == {}
    told = wire.call("ask_intent", **ASK)["structuredContent"]
    assert told["allowed"]
    wire.call("report_usage", intent_id=told["intent_id"], outcome="cancelled")


def test_listeners_without_number_are_refused_and_the_next_caller_is_served(wire: Wire) -> None:
    followed = [f"ratelord://pools/{number}" for number in range(10_000)]

    answer = wire.modern("subscriptions/listen", notifications={"resourceSubscriptions": followed})

    assert answer.status_code in (400, 413)
    assert len(json.dumps(answer.json())) < 300
