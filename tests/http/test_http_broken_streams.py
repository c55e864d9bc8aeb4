"""Streams that cannot go on: a reader that takes nothing, a log that cannot be read."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

from ratelord_core.clock import SeededEntropy
from ratelord_core.doors import Receive, Scope, Send
from ratelord_core.http.exchange import Exchange
from ratelord_core.http.server import serve
from ratelord_core.http.settings import HttpSettings
from ratelord_core.http.sse import EventStream, Followers
from ratelord_core.model.views import EventView
from ratelord_core.stream_seats import StreamSeats


class Endless:
    """A log that always has one more event, and counts how many were taken."""

    def __init__(self) -> None:
        self.followers = Followers(HttpSettings(SeededEntropy(), slow_reader=0.2), StreamSeats())
        self.taken = 0
        self.ended = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, dict(scope["headers"]), "req-1")
        await EventStream(self.events(), self.followers).send(exchange, send)

    async def events(self) -> AsyncIterator[EventView]:
        try:
            while True:
                self.taken += 1
                yield event(self.taken)
        finally:
            self.ended.set()

    def close(self) -> None:
        self.followers.closing.set()

    async def finish(self) -> None:
        """Nothing goes on here after a request."""


def event(seq: int) -> EventView:
    return EventView("e", seq, "drift_detected", 1, "", "", 1, {}, {}, {}, {"x": "y" * 900}, "", "")


def test_a_reader_that_takes_nothing_is_dropped_and_little_was_buffered():
    async def scenario() -> None:
        log = Endless()
        server = await serve(log, port=0)
        lazy = socket.create_connection((server.host, server.port))
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await asyncio.wait_for(log.ended.wait(), 60)
        assert log.taken < 20_000, "no more was taken than the sockets hold"
        await asyncio.wait_for(server.stop(), 60)
        lazy.close()

    asyncio.run(scenario())


class Failing(Endless):
    """A log that cannot be read any further after one event."""

    async def events(self) -> AsyncIterator[EventView]:
        yield event(1)
        raise OSError("the disk is gone")


def test_a_stream_that_cannot_go_on_is_cut_off_and_not_ended_in_good_order():
    async def scenario() -> None:
        log = Failing()
        server = await serve(log, port=0)
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = b""
        with suppress(ConnectionResetError):
            while chunk := await asyncio.wait_for(reader.read(65536), 60):
                received += chunk
        assert not received.endswith(b"0\r\n\r\n"), "no last chunk: the client knows it was cut"
        writer.close()
        await server.stop()

    asyncio.run(scenario())
