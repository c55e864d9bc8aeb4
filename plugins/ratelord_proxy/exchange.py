"""One caller's request, and what is sent back to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, Final

MAX_BODY: Final = 64 * 1024 * 1024
"""Bytes of a request of JSON: it has to be read before it can be asked for."""

Message = MutableMapping[str, Any]
RawHeaders = list[tuple[bytes, bytes]]


class Gone(Exception):
    """The caller hung up before it had its answer."""


class TooLarge(Exception):
    """A request's body is over ``MAX_BODY``."""


class Exchange:
    """A request and its response, as ASGI has them; names of headers are in lower case."""

    def __init__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        self.method: str = scope["method"]
        self.raw: RawHeaders = scope["headers"]
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in self.raw}
        path: bytes = scope.get("raw_path") or scope["path"].encode()
        self.path = path.decode("ascii", "replace").partition("?")[0]
        query = scope.get("query_string", b"").decode("ascii", "replace")
        self.target = f"{self.path}?{query}" if query else self.path
        self._receive = receive
        self._send = send

    @property
    def has_body(self) -> bool:
        """Whether a body comes with the request."""
        return "transfer-encoding" in self.headers or (
            self.headers.get("content-length", "0") != "0"
        )

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises ``Gone``."""
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Gone
            yield message.get("body", b"")
            more = message.get("more_body", False)

    async def body(self) -> bytes:
        """The whole body. Raises ``Gone`` and ``TooLarge``."""
        found = bytearray()
        async for piece in self.pieces():
            found += piece
            if len(found) > MAX_BODY:
                raise TooLarge
        return bytes(found)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Interrupt the block when the caller hangs up: raises ``Gone`` then. Only once its body
        was read."""
        working = asyncio.current_task()
        watch = asyncio.get_running_loop().create_task(self._hung_up(), name="hung up")

        def interrupt(done: asyncio.Task[None]) -> None:
            if working is not None and not done.cancelled():
                working.cancel()

        watch.add_done_callback(interrupt)
        try:
            yield
        except asyncio.CancelledError:
            if not watch.done() or watch.cancelled() or working is None:
                raise
            working.uncancel()
            raise Gone from None
        finally:
            watch.remove_done_callback(interrupt)
            watch.cancel()

    async def _hung_up(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            continue

    async def answer(self, status: int, headers: RawHeaders, body: bytes) -> None:
        """A whole response."""
        length = (b"content-length", str(len(body)).encode())
        await self.begin(status, [*headers, length])
        await self.end(body)

    async def begin(self, status: int, headers: RawHeaders) -> None:
        """The head of a response."""
        start = {"type": "http.response.start", "status": status, "headers": headers}
        await self._send(start)

    async def piece(self, piece: bytes) -> None:
        """Some of its body."""
        await self._send({"type": "http.response.body", "body": piece, "more_body": True})

    async def end(self, piece: bytes = b"") -> None:
        """The rest of its body."""
        await self._send({"type": "http.response.body", "body": piece, "more_body": False})
