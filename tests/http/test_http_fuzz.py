"""Anything at all, on the raw endpoint: an answer or a problem, alike on the express lane and by the
door, and a connection that still tells one request from the next."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

IDS = {"agent_id": "a:1", "identity_id": "i:1", "workload_id": "scan", "scope_id": "repo:x/y"}
FIELDS = (
    *IDS, "urgency", "expected_cost", "costs", "provider_id", "pool_id", "model", "duration_hint",
    "max_wait_seconds", "idempotency_key", "renews", "debug", "client_context",
)  # fmt: skip
EXPRESS, BY_THE_DOOR = b"application/json", b"application/json; charset=utf-8"
PROBE = b"GET /v1/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"

texts = st.text(max_size=20) | st.sampled_from(["", "\0", "a" * 300, "mock/default", "1e999"])
numbers = st.integers() | st.floats() | st.sampled_from([2**53, -1, 0.5, 1e308])
trees = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
bodies = (
    st.dictionaries(st.sampled_from(FIELDS), trees, max_size=5).map(
        lambda more: json.dumps(IDS | more | {"dry_run": True}).encode()
    )
    | trees.map(lambda tree: json.dumps(tree).encode())
    | st.binary(max_size=200)
    | st.binary(max_size=5).map(lambda cut: json.dumps(IDS | {"dry_run": True}).encode() + cut)
)
header_values = st.binary(max_size=40).map(lambda raw: re.sub(rb"[\r\n\0]", b" ", raw))
headers = st.lists(
    st.tuples(
        st.sampled_from(
            (
                b"X-Request-Id",
                b"traceparent",
                b"Accept",
                b"Origin",
                b"Authorization",
                b"Cookie",
                b"Idempotency-Key",
                b"Accept-Encoding",
                b"X-Forwarded-For",
                b"Content-Type",
                b"Host",
            )
        ),
        header_values | st.sampled_from((b"Bearer x", b"null", b"*/*", b"localhost")),
    ),
    max_size=3,
)


class Wire:
    """A connection that is made anew when the daemon has hung up."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname, parts.port)
        self._connect()

    def _connect(self) -> None:
        self._line = socket.create_connection(self._address, timeout=60)
        self._reader = self._line.makefile("rb")

    def send(self, content: bytes) -> tuple[int, dict[str, str], bytes]:
        """The reply: status, headers and body."""
        with contextlib.suppress(ConnectionError):
            self._line.sendall(content)
        status = int(self._reader.readline().split()[1])
        told: dict[str, str] = {}
        while (line := self._reader.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            told[name.lower()] = value.strip()
        body = self._reader.read(int(told.get("content-length", 0)))
        if told.get("connection") == "close":
            self.close()
            self._connect()
        return status, told, body

    def close(self) -> None:
        self._reader.close()
        self._line.close()


@pytest.fixture(scope="module")
def wire(daemon) -> Iterator[Wire]:
    opened = Wire(daemon.url)
    yield opened
    opened.close()


def request(kind: bytes, body: bytes, more: list[tuple[bytes, bytes]]) -> bytes:
    lines = [b"POST /v1/intent HTTP/1.1", b"Host: localhost", b"Content-Type: " + kind]
    lines += [b"Content-Length: %d" % len(body), *(b"%s: %s" % header for header in more)]
    return b"\r\n".join([*lines, b"", body])


def meaning(status: int, body: bytes) -> Any:
    """A reply without ids, instants, and how sure a forecast is."""
    told = json.loads(body)
    if status != 200:
        return status, told["code"], [fault["field"] for fault in told["errors"]]
    return status, told["decision"], told["reason_code"], [hold["units"] for hold in told["holds"]]


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(body=bodies, more=headers)
def test_anything_is_answered_alike_on_both_ways_and_leaves_the_connection_whole(
    wire: Wire, body: bytes, more: list[tuple[bytes, bytes]]
) -> None:
    meanings = []
    for kind in (EXPRESS, BY_THE_DOOR):
        status, told, answer = wire.send(request(kind, body, more))
        assert status < 500, answer
        assert told["x-content-type-options"] == "nosniff"
        assert told["x-request-id"].isascii()
        meanings.append(meaning(status, answer))
        assert wire.send(PROBE)[0] == 200
    assert meanings[0] == meanings[1]


@settings(max_examples=60, deadline=None)
@given(content=st.binary(min_size=1, max_size=300), cut=st.integers(0, 120))
def test_bytes_that_are_no_http_end_that_connection_and_nothing_else(
    daemon, wire: Wire, content: bytes, cut: int
) -> None:
    whole = request(EXPRESS, json.dumps(IDS | {"dry_run": True}).encode(), [])
    parts = urlsplit(daemon.url)
    with (
        socket.create_connection((parts.hostname, parts.port), timeout=60) as line,
        contextlib.suppress(ConnectionError),
    ):
        line.sendall(whole[:cut] + content + b"\r\n\r\n")
        line.shutdown(socket.SHUT_WR)
        answer = line.recv(65536)
        assert not answer or answer.startswith(b"HTTP/1.1 ")
        assert not answer.startswith(b"HTTP/1.1 5") or b'"code":"http_version"' in answer
    assert wire.send(PROBE)[0] == 200
    assert "Traceback" not in daemon.log
