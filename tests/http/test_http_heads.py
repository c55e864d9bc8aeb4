"""A head that a connection sends again is not parsed again, and means what it meant, no more."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from ratelord_core.http.head import Head, Heads, length_of

IDS = {"agent_id": "a:1", "identity_id": "i:1", "workload_id": "scan", "scope_id": "repo:x/y"}
SENT = b"POST /v1/intent HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}"


def question(*lines: str, **fields: Any) -> bytes:
    body = json.dumps(IDS | fields)
    head = ["POST /v1/intent HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "Content-Type: application/json", *lines, "", body]).encode()


@contextmanager
def connected(url: str) -> Iterator[tuple[socket.socket, Any]]:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as stream:
        yield stream, stream.makefile("rb")


def reply(reader: Any) -> tuple[int, dict[str, Any]]:
    status, length = int(reader.readline().split()[1]), 0
    while (line := reader.readline()) not in (b"\r\n", b""):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return status, json.loads(reader.read(length))


def head_of(**fields: str) -> Head:
    named = {name.replace("_", "-").encode(): value.encode() for name, value in fields.items()}
    return Head("/v1/intent", named, None, None, length_of(named))


def test_the_same_head_leads_to_the_answer_of_each_body(daemon, client):
    asked = [question(workload_id=name) for name in ("scan-one", "forbidden", "scan-two")]
    with connected(daemon.url) as (stream, reader):
        decided = []
        for one in (question(), *asked, *asked):
            stream.sendall(one)
            decided.append(reply(reader)[1]["decision"])
    assert decided[1:4] == decided[4:] == ["approve", "deny_with_reason", "approve"]


def test_a_known_head_may_arrive_in_parts_and_before_another(daemon, client):
    asked = question()
    with connected(daemon.url) as (stream, reader):
        for parts in ([asked], [asked], [asked[:40], asked[40:]], [asked + asked], [asked]):
            for part in parts:
                stream.sendall(part)
            for _ in range(sum(map(len, parts)) // len(asked)):
                assert reply(reader)[1]["allowed"] is True


def test_a_known_head_before_what_is_no_question_is_refused_as_ever(daemon, client):
    good = question()
    bad = good[:-1] + b" "
    with connected(daemon.url) as (stream, reader):
        for one, status in ((good, 200), (good, 200), (bad, 400), (good, 200)):
            stream.sendall(one)
            assert reply(reader)[0] == status


def test_a_token_that_is_revoked_counts_at_once_under_a_known_head(guarded, tokens):
    with httpx2.Client(base_url=guarded.url, timeout=60) as admin:
        admin.headers["authorization"] = f"Bearer {tokens['admin']}"
        wanted = {"identity_id": "id:leaver", "kind": "bot", "role": "agent"}
        made = admin.post("/v1/identities", json=wanted).json()
        asked = question(f"Authorization: Bearer {made['token']}", identity_id="id:leaver")
        with connected(guarded.url) as (stream, reader):
            for _ in range(3):
                stream.sendall(asked)
                assert reply(reader)[0] == 200
            assert admin.post("/v1/identities/id:leaver/revoke").status_code == 200
            stream.sendall(asked)
            assert reply(reader)[0] == 401


def test_a_head_is_found_by_its_very_bytes():
    heads, head = Heads(), head_of(host="a", content_length="2")
    heads.remember(SENT, head)
    assert heads.find(SENT[:-2]) is head
    assert heads.find(SENT[:-2].replace(b"host: a", b"host: b")) is None


@pytest.mark.parametrize(
    ("sent", "fields"),
    [
        (SENT, {"content_length": "3"}),
        (SENT, {"transfer_encoding": "chunked"}),
        (SENT, {"content_length": "2", "x_request_id": "once"}),
        (SENT, {"content_length": "2", "traceparent": "once"}),
        (SENT.replace(b"host: a", b"host: " + b"a" * 2000), {"content_length": "2"}),
        (b"\r\n\r\n" + SENT, {"content_length": "2"}),
        (SENT[:-2] + SENT, {"content_length": "2"}),
    ],
)
def test_a_head_that_is_not_sent_again_or_not_framed_by_itself_is_not_remembered(sent, fields):
    heads = Heads()
    heads.remember(sent, head_of(host="a", **fields))
    assert not any(heads.find(sent[:end]) for end in range(len(sent) + 1))


def test_so_many_heads_are_remembered_and_no_more():
    heads = Heads()
    for number in range(5000):
        sent = SENT.replace(b"host: a", b"host: %d" % number)
        heads.remember(sent, head_of(content_length="2"))
    assert len(heads) <= 512
