"""A bounded server: what strangers may not do, and what honest callers may, over real sockets."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from ratelord_core.inbound import Bounds, listener, serving

HEAD = b"POST /%s HTTP/1.1\r\nhost: here\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n\r\n"
LAST = b"connection: close\r\n"


class Slow:
    """``/late`` answers, ``/long`` streams, ``/unread`` reads, ``/trickle`` lets the next piece
    come, all in their own good time: longer than anybody's patience."""

    def __init__(self, patience: float) -> None:
        self.span = 2 * patience
        self.next = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        kind = scope["path"]
        if kind in {"/late", "/unread"}:
            await asyncio.sleep(self.span)
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            size, more = size + len(message["body"]), message["more_body"]
            if kind == "/trickle":
                await asyncio.sleep(self.span / 6)
                self.next.set()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if kind == "/long":
            for _ in range(4):
                await send({"type": "http.response.body", "body": b"x", "more_body": True})
                await asyncio.sleep(self.span / 4)
        await send({"type": "http.response.body", "body": b"%d bytes" % size})


def visited(visit: Callable[[Callable[[], socket.socket], Slow], Any], bounds: Bounds) -> Any:
    """What a visit gives, which may connect as often as it likes."""

    async def play() -> Any:
        taken = listener("127.0.0.1", 0)
        place, slow = taken.getsockname(), Slow(bounds.patience)
        server = serving(slow, bounds, grace=1, refusal=lambda status, why: why.encode())
        serves = asyncio.create_task(server.serve([taken]))
        await server.listening.wait()
        try:
            connect = partial(socket.create_connection, place, timeout=60)
            return await asyncio.to_thread(visit, connect, slow)
        finally:
            server.should_exit = True
            await serves

    return asyncio.run(play())


def heard(connection: socket.socket) -> bytes:
    """What is said until the other side hangs up."""
    said = b""
    try:
        while piece := connection.recv(65536):
            said += piece
    except ConnectionResetError:
        return said
    return said


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", b""),
        (HEAD % b"", b"HTTP/1.1 408"),
        (HEAD % b"" + b"content-length: 9\r\n\r\nhalf", b"HTTP/1.1 408"),
        (HEAD % b"" + CHUNKED + b"4\r\nhalf\r\n", b"HTTP/1.1 408"),
        (HEAD % b"" + b"x: %s\r\n\r\n" % (b"y" * 3000), b"HTTP/1.1 431"),
        (HEAD % b"" + b"x: %s" % (b"y" * 3000), b"HTTP/1.1 431"),
        (HEAD % (b"y" * 3000), b"HTTP/1.1 431"),
        (HEAD % b"" + CHUNKED + b"0\r\nx: %s" % (b"y" * 600_000), b"HTTP/1.1 413"),
        (b"hello\r\n\r\n", b"HTTP/1.1 400"),
    ],
    ids=[
        "nothing",
        "half a head",
        "half a body",
        "half a chunked body",
        "a large head",
        "an endless header",
        "a long address",
        "an endless trailer",
        "no request",
    ],
)
def test_what_is_no_bounded_request_is_refused(sent: bytes, status: bytes) -> None:
    def visit(connect: Callable[[], socket.socket], _slow: Slow) -> bytes:
        with connect() as connection:
            with suppress(ConnectionError):  # who has heard enough does not hear the rest
                connection.sendall(sent)
            return heard(connection)

    # What comes at once comes in time, if a busy machine lets it.
    tries = (Bounds(patience=patience, head_bytes=2048) for patience in (0.3, 3.0, 30.0))
    said = (visited(visit, bounds) for bounds in tries)

    assert any(one.startswith(status) and bool(one) == bool(status) for one in said)


@pytest.mark.parametrize("kind", [b"late", b"long", b"unread", b"trickle"])
def test_a_slow_answer_a_long_stream_and_a_long_upload_are_waited_for(kind: bytes) -> None:
    upload = b"40000\r\n" + b"x" * 0x40000 + b"\r\n"

    def visit(connect: Callable[[], socket.socket], slow: Slow) -> bytes:
        with connect() as connection:
            connection.sendall(HEAD % kind + LAST + CHUNKED)
            for _ in range(8):
                connection.sendall(b"1\r\nx\r\n" if kind == b"trickle" else upload)
                if kind == b"trickle":
                    slow.next.wait(60)
                    slow.next.clear()
            connection.sendall(b"0\r\n\r\n")
            return heard(connection)

    # A busy machine may be slower than somebody who has little patience.
    said = (visited(visit, Bounds(patience=patience)) for patience in (0.2, 1.0, 5.0))

    assert any(one.startswith(b"HTTP/1.1 200") and b" bytes" in one for one in said)


def test_who_waits_to_be_asked_for_a_body_is_waited_for() -> None:
    def visit(connect: Callable[[], socket.socket], _slow: Slow) -> bytes:
        with connect() as connection:
            connection.sendall(
                HEAD % b"unread" + LAST + b"expect: 100-continue\r\ncontent-length: 4\r\n\r\n"
            )
            said = connection.recv(64)
            connection.sendall(b"body")
            return said + heard(connection)

    # As above.
    said = (visited(visit, Bounds(patience=patience)) for patience in (0.5, 5.0))

    whole = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200"
    assert any(one.startswith(whole) and b"4 bytes" in one for one in said)


@pytest.mark.parametrize("split", [1, 60, 200])
def test_an_offer_to_speak_otherwise_is_not_taken_and_the_request_is_answered(split: int) -> None:
    offer = (
        b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQ\r\n"
    )
    asked = HEAD % b"" + offer + b"content-length: 4\r\n\r\nbody"
    after = HEAD % b"" + LAST + b"content-length: 6\r\n\r\nbodies"

    def visit(connect: Callable[[], socket.socket], _slow: Slow) -> bytes:
        with connect() as connection:
            connection.sendall(asked[:split])
            connection.sendall(asked[split:] + after)
            return heard(connection)

    said = visited(visit, Bounds(patience=30.0))

    assert said.count(b"HTTP/1.1 200") == 2
    assert b"4 bytes" in said
    assert b"6 bytes" in said


def test_one_too_many_is_told_so_and_there_is_room_again_after_another_left() -> None:
    whole = HEAD % b"" + LAST + b"content-length: 0\r\n\r\n"

    def visit(connect: Callable[[], socket.socket], _slow: Slow) -> list[bytes]:
        with connect() as first:
            with connect() as second:
                told = heard(second)
            first.sendall(whole)
            said = [told, heard(first)]
        with connect() as third:
            third.sendall(whole)
            return [one[:12] for one in (*said, heard(third))]

    said = visited(visit, Bounds(connections=1, patience=60.0))

    assert said == [b"HTTP/1.1 503", b"HTTP/1.1 200", b"HTTP/1.1 200"]
