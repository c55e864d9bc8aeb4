"""What is no tool call passes as it came, in both directions and both eras."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ratelord_core.testing.desk import patiently

MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {"elicitation": {}, "sampling": {}, "roots": {"listChanged": True}},
    "clientInfo": {"name": "raw", "version": "1"},
}


def question(number: Any, method: str, /, **params: Any) -> bytes:
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params, "x-odd": [1.10]}
    return json.dumps(message).encode()


LEGACY_LINES = [
    question(0, "initialize", **HELLO),
    b'{"jsonrpc":"2.0","method":"notifications/initialized"}',
    question("1", "ping"),
    question(1, "tools/list"),
    question(2, "tools/list", cursor="more", _meta={"x.example/a": {"b": [None]}}),
    question(3, "resources/read", uri="a://b"),
    question(4, "resources/subscribe", uri="a://b"),
    question(5, "prompts/get", name="p"),
    question(6, "completion/complete", ref={"type": "ref/prompt", "name": "p"}),
    question(7, "logging/setLevel", level="debug"),
    question(8, "no/such", deep={"er": 1}),
    question(9, "x.example/extension", _meta={"k": "v"}),
    b'{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}',
    b'[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"x"}]',
    b"not json at all",
    question(10, "tools/call", name="echo", arguments={"a": "\u2028é", "n": 1e3, "big": 2**60}),
    question(11, "tools/call", name="refuse", arguments={"code": -32050, "said": "odd"}),
    question(12, "tools/call", name="grow"),
    question(13, "tools/call", name="progress", _meta={"progressToken": "t"}),
]
MODERN_LINES = [
    question(0, "server/discover", _meta=MODERN),
    question(1, "tools/list", _meta=MODERN),
    question(2, "tools/call", name="echo", arguments={"a": 1}, _meta={**MODERN, "x/y": 1}),
    question(3, "resources/read", uri="a://b", _meta=MODERN),
    question(4, "no/such", _meta=MODERN),
    question(
        5, "tools/call", name="refuse", arguments={"code": -32602, "said": "no"}, _meta=MODERN
    ),
]


def talk(pipes: Any, lines: list[bytes]) -> list[bytes]:
    """Everything the server says, line by line: each line is waited for before the next is sent."""
    heard = []
    for line in lines:
        pipes.write(line)
        heard.append(pipes.line())
        waits = json.loads(line).get("id") if line.startswith(b"{") else None
        while waits is not None and json.loads(heard[-1]).get("id") != waits:
            heard.append(pipes.line())
    return heard


@pytest.mark.parametrize("lines", [LEGACY_LINES, MODERN_LINES], ids=["legacy", "modern"])
def test_every_byte_is_as_without_the_gateway(
    bare: Any, wrap: Callable[..., Any], lines: list[bytes]
) -> None:
    assert talk(wrap("plain"), lines) == talk(bare, lines)


def test_a_servers_own_requests_reach_the_client_and_its_answers_the_server(
    wrap: Callable[..., Any],
) -> None:
    gateway = wrap("plain")
    gateway.ask("initialize", HELLO, 0)
    wanted = {
        "human": ("elicitation/create", {"action": "accept", "content": {"n": 3}, "x-odd": 1}),
        "sample": ("sampling/createMessage", {"role": "assistant", "model": "m"}),
        "roots": ("roots/list", {"roots": [{"uri": "file:///x"}]}),
    }
    for number, (tool, (method, answer)) in enumerate(wanted.items()):
        gateway.send("tools/call", {"name": tool}, number)
        asked = gateway.read()
        assert asked["method"] == method
        gateway.write(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": answer}).encode())
        result = gateway.read()["result"]
        assert json.loads(result["content"][0]["text"]) == answer


def test_what_the_server_prints_beside_the_protocol_is_noted_and_kept_from_the_client(
    wrap: Callable[..., Any],
) -> None:
    gateway = wrap("plain")

    gateway.send("tools/call", {"name": "noise"}, 1)

    assert gateway.read()["result"]["content"][0]["text"] == "loud"
    patiently(lambda: any("this is no message" in line for line in gateway.noted))


def test_it_ends_with_its_client_and_with_its_server(wrap: Callable[..., Any], desk: Any) -> None:
    assert wrap("plain").end() == 0
    gateway = wrap("dead")
    gateway.send("tools/call", {"name": "die"}, 1)

    assert gateway.line() == b""
    assert gateway.process.wait(60) == 7
    dead = desk.pool("cap/dead")
    assert (dead["held"], dead["used"]) == (0, 1)


def test_what_was_asked_before_the_client_hung_up_is_still_answered(
    wrap: Callable[..., Any],
) -> None:
    gateway = wrap("plain")
    for number in range(3):
        gateway.send("tools/list", {}, number)
    gateway.process.stdin.close()

    assert [gateway.read()["id"] for _ in range(3)] == [0, 1, 2]
    assert gateway.process.wait(60) == 0


def test_an_address_of_the_daemon_that_is_none_is_said_at_once(wrap: Callable[..., Any]) -> None:
    gateway = wrap("plain", url="nonsense")

    assert gateway.end() == 2
    assert gateway.line() == b""
    assert len(gateway.noted) == 1


def test_a_server_that_cannot_be_started_is_named(wrap: Callable[..., Any]) -> None:
    from ratelord_core.testing.desk import run_command

    done = run_command("mcp", "wrap", "--", "/no/such/server")
    both = run_command("mcp", "wrap", "--url", "http://127.0.0.1:1", "--", "x")

    assert (done.returncode, both.returncode) == (1, 2)
    assert "there is no command '/no/such/server'" in done.stderr
    assert "name one server" in both.stderr
