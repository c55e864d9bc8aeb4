"""Server-Sent Events: the log as it grows, to readers who may be slow, come back, or vanish."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from typing import Any, Final

import msgspec
import structlog

from ratelord_core.doors import Send
from ratelord_core.errors import Unavailable
from ratelord_core.http.exchange import Exchange
from ratelord_core.http.failure import log_failure
from ratelord_core.http.settings import HttpSettings
from ratelord_core.model.views import EventView
from ratelord_core.stream_seats import StreamSeats, party_of

ABORT: Final = "ratelord.abort"
"""Where the server leaves, in the scope, the way to drop a connection with all that it buffers."""

STREAM_TYPE: Final = b"text/event-stream; charset=utf-8"

_log = structlog.get_logger("ratelord.http")
_encode = msgspec.json.Encoder().encode
_HEARTBEAT: Final = b": still here\n\n"


class Followers:
    """All open streams of events: seated, so that nobody has too many, and closed together."""

    def __init__(self, settings: HttpSettings, seats: StreamSeats) -> None:
        self.heartbeat = settings.heartbeat
        self.patience = settings.slow_reader
        self.closing = asyncio.Event()
        self._seats = seats

    def seat(self, exchange: Exchange) -> AbstractContextManager[None]:
        """A seat for this caller; ``Unavailable`` if it would be one too many or the door is
        closing."""
        if self.closing.is_set():
            raise Unavailable("the daemon is shutting down", code="shutting_down")
        return self._seats.taken(party_of(exchange.caller, exchange.scope))


class EventStream:
    """One reader's stream, as an answer."""

    def __init__(self, events: AsyncIterator[EventView], followers: Followers) -> None:
        self._events = events
        self._followers = followers

    async def send(self, exchange: Exchange, send: Send) -> None:
        """Send events until the reader leaves or lags, or the daemon stops.

        Nothing is taken from the log before the reader has room for it, so what is buffered is
        what the socket holds; a reader without room for too long is dropped, and may come back
        with ``Last-Event-ID``.
        """
        with self._followers.seat(exchange):
            exchange.route = None
            await self._tell(exchange, send)

    async def _tell(self, exchange: Exchange, send: Send) -> None:
        try:
            kind = (b"content-type", STREAM_TYPE)
            await send(exchange.head(200, kind, (b"x-accel-buffering", b"no")))
            await self._run(_Writer(send, self._followers.patience), exchange)
        except TimeoutError:
            _log.warning("slow reader dropped", request_id=exchange.request_id)
            _abort(exchange)
        except Exception as error:  # noqa: BLE001 (the last one who can tell)
            # The head is out, so no problem can be sent: the broken stream is the message.
            log_failure("stream failed", exchange, error)
            _abort(exchange)

    async def _run(self, writer: _Writer, exchange: Exchange) -> None:
        gone = asyncio.ensure_future(_hang_up(exchange))
        closing = asyncio.ensure_future(self._followers.closing.wait())
        pump = asyncio.ensure_future(self._pump(writer))
        try:
            await writer.write(_HEARTBEAT)
            while not (gone.done() or closing.done() or pump.done()):
                waiting = (gone, closing, pump)
                told = writer.told
                await asyncio.wait(
                    waiting, timeout=self._followers.heartbeat, return_when="FIRST_COMPLETED"
                )
                if writer.told == told and not any(one.done() for one in waiting):
                    await writer.write(_HEARTBEAT)
            if pump.done():
                pump.result()
            if not gone.done():
                await _put_away(pump)
                await writer.finish()
        finally:
            await _put_away(gone, closing, pump)
            await _close(self._events)

    async def _pump(self, writer: _Writer) -> None:
        """One event after another, each in a turn of its own: many readers who catch up must not
        keep those waiting who ask."""
        async for event in self._events:
            await writer.write(frame(event))
            await asyncio.sleep(0)


class _Writer:
    """Writes with bounded patience. ``told`` counts what was written."""

    def __init__(self, send: Send, patience: float) -> None:
        self.told = 0
        self._send = send
        self._patience = patience

    async def write(self, chunk: bytes) -> None:
        """Send a chunk; ``TimeoutError`` if the reader has no room for it for too long."""
        async with asyncio.timeout(self._patience):
            await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
        self.told += 1

    async def finish(self) -> None:
        """End the stream in good order."""
        async with asyncio.timeout(self._patience):
            await self._send({"type": "http.response.body", "body": b""})


def frame(event: EventView) -> bytes:
    """An event as a frame: its seq for ``Last-Event-ID``, its type, its JSON in one line."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (
        event.seq,
        event.event_type.encode(),
        _encode(event),
    )


def _abort(exchange: Exchange) -> None:
    abort: Callable[[], Any] | None = exchange.scope.get(ABORT)
    if abort is not None:
        abort()


async def _hang_up(exchange: Exchange) -> None:
    while (await exchange.receive())["type"] != "http.disconnect":
        pass


async def _put_away(*tasks: asyncio.Future[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _close(events: AsyncIterator[EventView]) -> None:
    close = getattr(events, "aclose", None)
    if close is not None:
        await close()
