"""What nobody should write to ``ratelord mcp``: it is answered, bounded, forgotten; the next request is
served, standard output is the protocol's alone, and nothing is held."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_core.testing.desk import Desk, patiently

MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
POLICY = "pools: [{id: team/requests, limit: 1000, window: {kind: fixed, every: 1h}}]"
ASK = {"agent_id": "a", "identity_id": "pat:me", "workload_id": "scan", "scope_id": "global"}
CALL = {"name": "ask_intent", "arguments": ASK}


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with DaemonProcess(tmp_path_factory.mktemp("attacked"), policy=POLICY) as daemon:
        yield Desk(daemon)


@pytest.fixture
def host(spawn: Any, attacked: Desk) -> Iterator[Any]:
    """One that has been greeted. Whatever is written to it, it then does its work, and ends well."""
    one = spawn("--url", attacked.daemon.url)
    one.greet()
    yield one
    assert one.ask_for("ping")["result"] == {}
    assert one.hang_up() == 0
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in one.raw)
    assert "Traceback" not in one.errors()
    patiently(lambda: attacked.pool("team/requests")["held"] == 0)


def line(**fields: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "method": "ping"} | fields).encode()


NO_MESSAGES = {
    "words": (b"this is no message", None),
    "half": (b"{", None),
    "a batch": (b"[" + line(id=1) + b"]", None),
    "no UTF-8": (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"\xff\xfe"}}', None),
    "half a character": (
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"\\ud800"}}',
        None,
    ),
    "deep": (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":' + b'{"a":' * 50_000, None),
    "5 MB": (line(id=1, params={"a": "x" * 5_000_000}), None),
    "an older protocol": (line(id=7, jsonrpc="1.0"), 7),
    "no method": (line(id="s", method=7), "s"),
    "no parameters": (line(id="s", params=7), "s"),
} | {f"id {one}": (line(id=one), None) for one in (None, True, 1.5, {}, [1])}


def test_what_is_no_message_is_answered_in_one_line_and_not_left_waiting(host: Any) -> None:
    for name, (written, answered) in NO_MESSAGES.items():
        host.write(written + b"\n")

        answer = host.next()

        assert (answer["id"], answer["error"]["code"]) == (answered, -32600), name
        assert len(host.raw[-1]) < 300


def test_what_answers_nothing_gets_no_answer(host: Any) -> None:
    for silent in (
        b"",
        b"   ",
        line(method="notifications/none"),
        line(method="tools/call", params=CALL),
    ):
        host.write(silent + b"\n")
    host.write(b'{"jsonrpc":"2.0","id":99,"result":{}}\n')
    host.write(b'{"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":"what"}}\n')

    host.send("ping", id="after")

    assert host.next()["id"] == "after"


def test_a_session_is_of_one_era(host: Any) -> None:
    for method in ("tools/list", "server/discover", "subscriptions/listen"):
        answer = host.ask_for(method, {"_meta": MODERN, "notifications": {}})

        assert answer["error"]["code"] == -32600
        assert "handshake" in answer["error"]["message"]


def test_who_began_without_a_handshake_stays_without(spawn: Any, attacked: Desk) -> None:
    host = spawn("--url", attacked.daemon.url)
    listed = host.ask_for("tools/list", {"_meta": MODERN})

    late = host.ask_for("resources/list")

    assert len(listed["result"]["tools"]) == 7
    assert late["error"]["code"] in (-32600, -32602)
    unknown = MODERN | {"io.modelcontextprotocol/protocolVersion": "2077-01-01"}
    assert "error" in host.ask_for("tools/list", {"_meta": unknown})
    assert "result" in host.ask_for(
        "tools/call", CALL | {"_meta": MODERN} | {"name": "check_usage", "arguments": {}}
    )


NOWHERE = (
    "ratelord://pools/../config",
    "ratelord://pools/%2e%2e/%2e%2e",
    "ratelord://pools/team/../../identities",
    "ratelord://pools/a%00b/c",
    "ratelord://pools/team/\x00",
    "ratelord://pools/" + "x" * 10_240,
    "ratelord://pools/team/none",
    "file:///etc/passwd",
    "",
)


def test_an_address_that_leads_elsewhere_leads_nowhere(host: Any) -> None:
    asked = [(method, uri) for method in ("read", "subscribe") for uri in NOWHERE]
    asked += [("read", "ratelord://intents/.."), ("read", "ratelord://identities/%2e%2e")]
    for method, uri in asked:
        answer = host.ask_for(f"resources/{method}", {"uri": uri})

        assert answer["error"]["code"] == -32602, uri
        assert "no such resource" in answer["error"]["message"]
        assert len(host.raw[-1]) < 500


def test_subscriptions_are_bounded(host: Any) -> None:
    answers = [
        host.ask_for("resources/subscribe", {"uri": f"ratelord://intents/i{number}"})
        for number in range(260)
    ]

    assert ["error" in answer for answer in answers] == [False] * 256 + [True] * 4
    assert "256" in answers[-1]["error"]["message"]


def test_a_call_that_is_cancelled_holds_nothing_and_gets_no_answer(
    host: Any, attacked: Desk
) -> None:
    for number in range(1000, 1020):
        host.send("tools/call", CALL, id=number)
        host.send("notifications/cancelled", {"requestId": number})
    host.send("notifications/cancelled", {"requestId": "nobody"})
    host.send("notifications/cancelled", {})
    host.send("ping", id="after")

    while (answer := host.next())["id"] != "after":  # some were quicker than their cancellation
        if "result" in answer:
            intent = answer["result"]["structuredContent"]["intent_id"]
            host.send(
                "tools/call",
                {
                    "name": "report_usage",
                    "arguments": {"intent_id": intent, "outcome": "cancelled"},
                },
                id=0,
            )

    patiently(lambda: attacked.pool("team/requests")["held"] == 0)


def test_what_a_plugin_prints_does_not_reach_the_client(
    spawn: Any, attacked: Desk, tmp_path: Path
) -> None:
    described = tmp_path / "noisy-1.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: noisy\nVersion: 1\n")
    (described / "entry_points.txt").write_text("[ratelord]\nnoisy = noisy\n")
    (tmp_path / "noisy.py").write_text(NOISY)
    host = spawn("--url", attacked.daemon.url, PYTHONPATH=str(tmp_path))

    host.greet()
    assert host.call("shout")["structuredContent"] == {"said": "nothing"}

    assert host.hang_up() == 0
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in host.raw)
    assert {"aloud", "from below", "from a child"} <= set(host.errors().split("\n"))


NOISY = """
import os, subprocess, sys
import msgspec
from ratelord_core.agent_tools import AgentTool
from ratelord_core.hookspecs import hookimpl


class Nothing(msgspec.Struct):
    pass


class Said(msgspec.Struct):
    said: str


async def shout(call):
    print("aloud", flush=True)
    os.write(1, b"from below\\n")
    subprocess.run([sys.executable, "-c", "print('from a child')"])
    return Said("nothing")


@hookimpl
def ratelord_register_agent_tools():
    return [AgentTool("shout", "Make noise.", Nothing, Said, shout)]
"""


def test_a_flood_of_noise_is_answered_at_the_pace_at_which_it_is_read(host: Any) -> None:
    host.write(b"noise\n" * 2000)
    host.send("ping", id="after")

    answers = [host.next() for _ in range(2001)]

    assert answers[-1] == {"jsonrpc": "2.0", "id": "after", "result": {}}
