"""A leader's side: a server of its own that knows one kind of request."""

from __future__ import annotations

import asyncio
import hmac
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

import msgspec

from ratelord_core.errors import LeaderMoved, NobodyThere
from ratelord_core.inbound import Bounds, Server, listener, serving
from ratelord_core.transport import MAX_BODY, Address, Answer
from ratelord_federation.calling import PATH, Moved

GRACE: Final = 1
"""Seconds in which what is being answered may end when the place is closed."""
PATIENCE: Final = 30.0
"""Seconds in which a request must have come whole, its head too: nobody is known before that."""
MOST: Final = 512
"""Connections at once. Half of the files that a process may usually open: without any left, a
server can take no connection, and does nothing but try."""
_ROOM: Final = 2 * MAX_BODY
"""Bytes of one request, with all that is about its body."""
_log = logging.getLogger("ratelord")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class HttpServed:
    """One place. A request from a web page is none of ours: pages name their origin. ``patience``
    in seconds, and ``most`` connections, are what strangers get."""

    def __init__(
        self,
        answer: Answer,
        credential: str | None,
        proof: ssl.SSLContext | None,
        *,
        patience: float = PATIENCE,
        most: int = MOST,
    ) -> None:
        self._answer = answer
        self._expected = None if credential is None else f"Bearer {credential}".encode()
        self._proof = proof
        self._bounds = Bounds(most, patience, request_bytes=_ROOM)
        self._address = Address("http://")
        self._server: Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self._answering: set[asyncio.Task[bytes]] = set()

    def __repr__(self) -> str:
        return f"HttpServed({self._address})"

    @property
    def address(self) -> Address:
        """Where it is, with the port that it got."""
        return self._address

    async def open(self, host: str, port: int) -> None:
        """Listen. Raises ``NobodyThere`` if the place cannot be had."""
        place = _taken(host, port)
        scheme = "http" if self._proof is None else "https"
        shown = f"[{host}]" if ":" in host else host
        self._address = Address(f"{scheme}://{shown}:{place.getsockname()[1]}")
        self._server = serving(self._receive, self._bounds, grace=GRACE)
        self._server.config.ssl = self._proof
        self._serving = asyncio.get_running_loop().create_task(
            self._server.serve([place]), name=f"serving {self._address}"
        )
        await self._server.listening.wait()

    async def aclose(self) -> None:
        """Stop listening; what is being answered has a moment."""
        server, serving = self._server, self._serving
        if server is None or serving is None:
            return
        server.should_exit = True
        await asyncio.shield(serving)
        await asyncio.gather(*self._answering, return_exceptions=True)

    async def _receive(self, scope: Message, receive: Receive, send: Send) -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        topic = str(scope["path"]).removeprefix(PATH)
        if scope["method"] != "POST" or topic == scope["path"] or not topic or "/" in topic:
            await _reply(send, 404)
        elif b"origin" in headers or not self._knows(headers.get(b"authorization", b"")):
            await _reply(send, 403 if b"origin" in headers else 401)
        elif (body := await _body(receive)) is None:
            await _reply(send, 413)
        else:
            await _reply(send, *await self._answered(topic, body))

    def _knows(self, shown: bytes) -> bool:
        return self._expected is None or hmac.compare_digest(shown, self._expected)

    async def _answered(self, topic: str, body: bytes) -> tuple[int, bytes]:
        answering = asyncio.ensure_future(self._answer(topic, body))
        self._answering.add(answering)
        answering.add_done_callback(self._answering.discard)
        try:
            reply = await answering
        except LeaderMoved as moved:
            return 421, msgspec.json.encode(Moved(moved.address))
        except Exception:  # noqa: BLE001 - whatever it is, the caller learns that this side failed
            _log.exception("a message about %r could not be answered", topic)
            return 500, b""
        return (200, reply) if len(reply) <= MAX_BODY else (507, b"")


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None if it is too long, or broke off."""
    found = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        found += message.get("body", b"")
        if len(found) > MAX_BODY:
            return None
        more = message.get("more_body", False)
    return bytes(found)


async def _reply(send: Send, status: int, body: bytes = b"") -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _taken(host: str, port: int) -> socket.socket:
    try:
        return listener(host, port)
    except OSError as error:
        raise NobodyThere(
            f"cannot listen on {host}:{port} ({error.strerror}); take another port",
            may_have_acted=False,
        ) from None
