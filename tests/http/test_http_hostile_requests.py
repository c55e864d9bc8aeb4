"""Requests that mean one thing to one reader and another to the next, or mean to hurt: each is refused
or read in one way, and what follows on the connection is read as what it is."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from ratelord_core.testing.daemon_process import DaemonProcess

IDS = {"agent_id": "a:1", "identity_id": "i:1", "workload_id": "scan", "scope_id": "repo:x/y"}
BODY = json.dumps(IDS | {"dry_run": True}).encode()
POST = b"POST /v1/intent HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
CHUNKS = b"%x\r\n%s\r\n" % (len(BODY), BODY)
PROBE = b"GET /v1/health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

Said = Callable[..., bytes]
pytestmark = pytest.mark.usefixtures("client")  # which waits until the daemon is ready


@pytest.fixture
def said(daemon: DaemonProcess) -> Said:
    """Sends bytes, and a probe after them; everything that comes back until the end."""
    address = urlsplit(daemon.url)

    def saying(content: bytes, then: bytes = PROBE) -> bytes:
        with socket.create_connection((address.hostname, address.port), timeout=60) as line:
            found = b""
            try:
                line.sendall(content + then)
                while part := line.recv(65536):
                    found += part
            except ConnectionError:
                pass
            return found

    return saying


@pytest.fixture
def last_words(daemon: DaemonProcess) -> Callable[[bytes], bytes]:
    """Sends bytes and says that nothing more will come; everything that comes back until the end."""
    address = urlsplit(daemon.url)

    def saying(content: bytes) -> bytes:
        with socket.create_connection((address.hostname, address.port), timeout=60) as line:
            line.sendall(content)
            line.shutdown(socket.SHUT_WR)
            found = b""
            while part := line.recv(65536):
                found += part
            return found

    return saying


def statuses(raw: bytes) -> list[int]:
    """The status of each reply."""
    return [int(part[:3]) for part in raw.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize(
    "content",
    [
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n" + LENGTH + b"\r\n" + CHUNKS + b"0\r\n\r\n",
        POST + LENGTH + b"Content-Length: 5\r\n\r\n" + BODY,
        POST + b"Content-Length: +%d\r\n\r\n" % len(BODY) + BODY,
        POST + b"Content-Length : %d\r\n\r\n" % len(BODY) + BODY,
        POST + b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKS + b"0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked, identity\r\n\r\n" + CHUNKS + b"0\r\n\r\n",
        CHUNKED + b"FFFFFFFFFFFFFFFFFF\r\n" + BODY,
        CHUNKED + b"%x\n%s\n0\n\n" % (len(BODY), BODY),
        (POST + LENGTH + b"\r\n").replace(b"\r\n", b"\n") + BODY,
    ],
    ids=[
        "both lengths", "both lengths, turned round", "two lengths", "a sign", "a space",
        "no such coding", "a coding after chunks", "a chunk beyond numbers", "bare ends of lines",
        "bare ends of lines in the head",
    ],
)  # fmt: skip
def test_a_body_whose_end_two_readers_could_see_elsewhere_ends_the_connection(
    said: Said, content: bytes
) -> None:
    assert statuses(said(content)) == [400], "nothing after it is read"


def test_trailers_are_no_headers(said: Said) -> None:
    for trailer in (b"Authorization: Bearer wrong\r\n", b"Host: foreign.example\r\n"):
        assert statuses(said(CHUNKED + CHUNKS + b"0\r\n" + trailer + b"\r\n")) == [200, 200]


@pytest.mark.parametrize(
    "endless",
    [
        CHUNKED + CHUNKS + b"0\r\n" + b"X-Trailer: y\r\n" * 400_000,
        CHUNKED + CHUNKS + b"0\r\nX-Trailer: " + b"y" * 5_000_000,
        CHUNKED + b"%x;" % len(BODY) + b"y" * 5_000_000,
    ],
    ids=["trailers", "a trailer", "a chunk's extension"],
)
def test_what_comes_with_a_body_and_is_none_is_bounded(said: Said, endless: bytes) -> None:
    answer = said(endless, b"")
    assert statuses(answer) in ([431], []), "it is told, if it stopped sending in time to hear it"


def test_a_body_in_very_small_chunks_is_a_body(said: Said) -> None:
    small = b"".join(b"1\r\n%c\r\n" % byte for byte in BODY)
    assert statuses(said(CHUNKED + small + b"0\r\n\r\n")) == [200, 200]


@pytest.mark.parametrize(
    "offer",
    [
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n",
        b"Connection: Upgrade\r\nUpgrade: websocket\r\n",
    ],
    ids=["h2c", "websocket"],
)
@pytest.mark.parametrize("split", [0, 20, len(POST) + 90, len(POST) + 200])
def test_an_offer_to_speak_otherwise_is_not_taken_and_the_request_is_answered(
    daemon: DaemonProcess, offer: bytes, split: int
) -> None:
    whole = POST + offer + LENGTH + b"\r\n" + BODY
    address = urlsplit(daemon.url)
    with socket.create_connection((address.hostname, address.port), timeout=60) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in (whole[:split], whole[split:] + whole, PROBE):
            line.sendall(part)
        found = b""
        while part := line.recv(65536):
            found += part
    assert statuses(found) == [200, 200, 200]
    assert found.count(b'"decision":"approve"') == 2


def test_connect_is_refused(said: Said) -> None:
    assert statuses(said(b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n")) == [400]


def test_who_waits_for_leave_to_send_is_told_what_is_wrong_instead(said: Said) -> None:
    waiting = POST.replace(b"application/json", b"text/xml") + LENGTH + b"Expect: 100-continue\r\n"
    answer = said(waiting + b"\r\n", b"")
    assert statuses(answer) == [415], "no leave is given"
    assert b"connection: close\r\n" in answer, "what comes next would be taken for the body"


def test_a_body_that_was_compressed_is_a_415_that_says_so(said: Said) -> None:
    packed = gzip.compress(BODY)
    head = POST + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    answer = said(head + packed)
    assert statuses(answer) == [415, 200]
    assert b"uncompressed" in answer


@pytest.mark.parametrize("digits", [400, 5_000, 60_000])
@pytest.mark.parametrize("where", ["expected_cost", "client_context"])
def test_a_number_of_any_length_is_read_or_refused(
    client: Any, problem: Callable[..., Any], digits: int, where: str
) -> None:
    number = "9" * digits
    value = number if where == "expected_cost" else f'{{"n": {number}}}'
    content = BODY.decode()[:-1] + f', "{where}": {value}}}'
    answer = client.post(
        "/v1/intent", content=content, headers={"content-type": "application/json"}
    )
    if where == "client_context":
        assert answer.status_code == 200
    else:
        said = problem(answer, 400, "invalid_request")
        assert [fault["field"] for fault in said["errors"]] == ["expected_cost"]


def test_two_keys_for_one_question_are_refused(client: Any, problem: Callable[..., Any]) -> None:
    twice = [("idempotency-key", "one"), ("idempotency-key", "two")]
    problem(client.post("/v1/intent", json=IDS, headers=twice), 400, "invalid_header")
    other = client.post(
        "/v1/intent", json=IDS | {"idempotency_key": "one"}, headers={"idempotency-key": "two"}
    )
    assert problem(other, 400, "invalid_request")["errors"][0]["field"] == "Idempotency-Key"
    same = client.post(
        "/v1/intent", json=IDS | {"idempotency_key": "one"}, headers={"idempotency-key": "one"}
    )
    assert same.status_code == 200


LOOKING = b"GET /v1/pools HTTP/1.1\r\nHost: localhost\r\n\r\n"
ASKED = POST + LENGTH + b"\r\n" + BODY
ODDLY = ASKED.replace(b"application/json", b"application/json; charset=utf-8")


@pytest.mark.parametrize(
    ("content", "replies"),
    [(ASKED, 1), (ODDLY, 1), (ASKED + LOOKING + ODDLY, 3), (b"", 0)],
    ids=["express", "by the door", "several", "nothing"],
)
def test_who_has_nothing_more_to_say_is_answered_and_then_let_go(
    last_words: Callable[[bytes], bytes], content: bytes, replies: int
) -> None:
    assert statuses(last_words(content)) == [200] * replies


def test_who_breaks_off_in_the_middle_is_let_go_without_an_answer(
    last_words: Callable[[bytes], bytes],
) -> None:
    assert last_words(ASKED[:-5]) == b""
