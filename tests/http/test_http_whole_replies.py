"""Replies that leave in one piece are those that would have left in two."""

from __future__ import annotations

import re
import socket
from urllib.parse import urlsplit

REQUEST = b"GET /v1/health/live HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: same\r\n"
GOES_ON = REQUEST + b"\r\n"
ENDS = REQUEST + b"Connection: close\r\n\r\n"
BODY = b'{"status":"live"}'


def test_a_reply_is_the_same_whether_its_connection_goes_on_or_ends(daemon):
    with connected(daemon.url) as stream:
        stream.sendall(GOES_ON)
        kept = read(stream, BODY)
        stream.sendall(ENDS)
        ended = read(stream, None)
    assert b"connection: close" not in kept
    assert undated(ended.replace(b"connection: close\r\n", b"")) == undated(kept)


def test_requests_that_come_hurried_are_answered_in_turn_and_in_full(daemon):
    with connected(daemon.url) as stream:
        stream.sendall(GOES_ON)
        one = read(stream, BODY)
    with connected(daemon.url) as stream:
        stream.sendall(GOES_ON + GOES_ON + ENDS)
        three = read(stream, None)
    assert undated(three.replace(b"connection: close\r\n", b"")) == undated(one) * 3


def test_a_head_is_answered_without_a_body(daemon):
    with connected(daemon.url) as stream:
        stream.sendall(GOES_ON.replace(b"GET", b"HEAD") + ENDS)
        both = read(stream, None)
    assert both.count(b"HTTP/1.1 200 OK") == 2
    assert both.count(BODY) == 1


def connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=60)


def read(stream: socket.socket, ending: bytes | None) -> bytes:
    """What comes until that ending, or until the server hangs up."""
    seen = b""
    while ending is None or not seen.endswith(ending):
        part = stream.recv(65536)
        if not part:
            break
        seen += part
    return seen


def undated(raw: bytes) -> bytes:
    return re.sub(rb"\r\ndate: [^\r]*", b"", raw)
