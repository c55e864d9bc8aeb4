"""What the gateway cannot read, a server may: no call gets past in a form that only others understand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ratelord_core.testing.desk import Desk
from ratelord_mcp.gateway.messages import doubtful

CALL = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":'
PLAIN = CALL + b"{}}}"
LINES = {
    "no UTF-8": CALL + b'{"a":"\xff"}}}',
    "a long number": CALL + b"1" * 5000 + b"}}",
    "deep": CALL + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    "more than one": PLAIN + b" x",
    "a batch of anything": b"[1," + PLAIN + b"]",
    "a capital": PLAIN.replace(b"method", b"Method"),
    "capitals too": PLAIN.replace(b"method", b'method":"ping","METHOD'),
    "a folded letter": PLAIN.replace(b"params", "param\u017f".encode()),
    "two names": PLAIN.replace(b'"name":"echo"', b'"name":"count","Name":"echo"'),
    "a batch with capitals": b"[" + PLAIN.replace(b"method", b"Method") + b"]",
}


def test_what_a_laxer_reader_would_take_for_a_call_is_refused(
    wrap: Callable[..., Any], desk: Desk
) -> None:
    gateway = wrap("free")

    for name, line in LINES.items():
        gateway.write(line)
        assert gateway.read()["error"]["code"] == -32600, name
        assert gateway.ask("ping", number="after")["result"] == {}, name

    assert gateway.call("count") == {"content": [{"type": "text", "text": '["count"]'}]}
    assert desk.pool("cap/free")["held"] == 0


@pytest.mark.parametrize(
    ("content", "is_doubtful"),
    [
        ({"method": "ping", "params": {}, "x-Method": 1}, False),
        ({"id": 1, "result": {"Method": "x"}}, False),
        ({"method": "x", "params": {"arguments": {"Name": 1, "name": 2}}}, False),
        ({"method": "x", "params": [{"Name": 1}]}, False),
        ({"ID": 1, "method": "x"}, True),
        ({"method": "x", "params": {"Arguments": {}}}, True),
    ],
)
def test_only_names_that_say_how_a_message_is_read_are_doubted(
    content: dict[str, Any], is_doubtful: bool
) -> None:
    assert doubtful(content) is is_doubtful
