"""A kept connection to the daemon: one question at a time, written at once, parsed as it comes."""

from __future__ import annotations

import asyncio
from typing import Final, cast

import httptools
import httpx2

from ratelord.wire import MAX_REPLY_BYTES, Reply

_BROKE: Final = "it was closed before the reply was whole"
_SWITCHED: Final = 101


class Line(asyncio.Protocol):
    """Raises what httpx2 raises, so that it can stand in its place."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Reply] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._pieces: list[bytes] = []
        self._size = 0

    @property
    def open(self) -> bool:
        """Whether another question can be asked."""
        return self._transport is not None

    async def ask(self, request: bytes) -> Reply:
        """Write a whole request, and wait for its reply. Who gives up waiting closes the line."""
        if self._transport is None:
            raise httpx2.RemoteProtocolError(_BROKE)
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await self._answer
        except BaseException:
            self.close()
            raise
        finally:
            self._answer = None

    def close(self) -> None:
        """Let go of the connection."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

    # What the loop says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        if self._answer is None:  # nobody asked
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(httpx2.RemoteProtocolError(str(error)))
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._fail(httpx2.RemoteProtocolError(str(exc or _BROKE)))

    # What the parser says

    def on_message_begin(self) -> None:
        if self._answer is None or self._answer.done():  # more than was asked for
            self.close()
        self._headers, self._pieces, self._size = {}, [], 0

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._pieces.append(body)
        self._size += len(body)
        if self._size > MAX_REPLY_BYTES:
            self._fail(httpx2.DecodingError("the reply is too big"))
            self.close()

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200 and status != _SWITCHED:
            return  # a word before the reply (RFC 9110, 15.2), which a server between may say
        kept = self._parser.should_keep_alive()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Reply(status, self._headers, b"".join(self._pieces)))
        if not kept:
            self.close()

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
