"""Sessions over HTTP: answers are plain JSON, and streams for those who can be spoken to meanwhile.

A JSON answer costs least, but it carries nothing beside the result: the human of a client could not
be asked, and progress could not be told.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import Any, Final

import msgspec
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.types.version import HANDSHAKE_PROTOCOL_VERSIONS

from ratelord_core.doors import Message, Receive, Scope, Send

BODY_LIMIT: Final = 256 * 1024
"""Bytes of a request."""
_ASKABLE: Final = frozenset({"elicitation", "sampling"})
"""What a client of the handshake era declares when a server may ask it something."""

_LENGTHY: Final = b"errors.pydantic.dev"
_NO_MESSAGE: Final = (
    b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":'
    b'"this is no JSON-RPC message; send one object with jsonrpc, method and, to be answered, id"}}'
)
_TALKATIVE: Final = ("mcp.server.streamable_http", "mcp.server.streamable_http_manager")

_streamed: ContextVar[bool] = ContextVar("streamed", default=False)


class Sessions(StreamableHTTPSessionManager):
    """The library's sessions. It chooses between JSON and streams once for all; here the client of
    each session chooses, and in the stateless era each request. A stream that would have nothing
    but the result is sent as JSON then; and who hangs up has cancelled the call."""

    def __init__(self, app: Server[Any], **options: Any) -> None:
        super().__init__(app, **options)
        for (
            name
        ) in _TALKATIVE:  # their information lines have the ids by which sessions are entered
            logging.getLogger(name).setLevel(logging.WARNING)

    @property
    def json_response(self) -> bool:
        """Whether the request that is being handled, or the session it opens, gets plain JSON."""
        return not _streamed.get()

    @json_response.setter
    def json_response(self, always: bool) -> None:
        """What the library sets for all; it is not so here."""

    async def handle_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        streamed = b"text/event-stream" in headers.get(b"accept", b"")
        if scope["method"] == "POST" and _handshakes(headers):
            read = await _read_ahead(receive)
            if read[-1]["type"] == "http.disconnect":
                return  # nobody is there to be answered
            receive = _again(read, receive)
            message = _message(read)
            if message is not None and not message.is_answerable():
                await _refuse(send)
                return
            streamed = streamed and message is not None and message.is_askable()
        token = _streamed.set(streamed)
        try:
            await super().handle_request(scope, receive, _Brief(send).send)
        finally:
            _streamed.reset(token)


def _handshakes(headers: dict[bytes, bytes]) -> bool:
    version = headers.get(b"mcp-protocol-version")
    return version is None or version.decode("latin-1") in HANDSHAKE_PROTOCOL_VERSIONS


async def _read_ahead(receive: Receive) -> list[Message]:
    """The body's messages; of one that is too long only the beginning, which is refused later."""
    read: list[Message] = []
    size, more = 0, True
    while more and size <= BODY_LIMIT:
        message = await receive()
        read.append(message)
        size += len(message.get("body", b""))
        more = bool(message.get("more_body"))
    return read


def _again(read: list[Message], receive: Receive) -> Receive:
    waiting = iter(read)

    async def next_message() -> Message:
        for message in waiting:
            return message
        return await receive()

    return next_message


class _Brief:
    """Says in one line what the library says of a malformed message in thirty, with addresses."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 400:
            self._start = message
            return
        if self._start is not None:
            start, self._start = self._start, None
            if _LENGTHY in message.get("body", b""):
                message = {"type": "http.response.body", "body": _NO_MESSAGE}
                start["headers"] = [
                    (name, b"%d" % len(_NO_MESSAGE) if name == b"content-length" else value)
                    for name, value in start["headers"]
                ]
            await self._send(start)
        await self._send(message)


async def _refuse(send: Send) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(_NO_MESSAGE)),
    ]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": _NO_MESSAGE})


class _Message(msgspec.Struct):
    """What is looked at of a message before the library does; all of it may be anything."""

    id: Any = msgspec.UNSET
    method: Any = None
    params: Any = None

    def is_answerable(self) -> bool:
        """The library takes a request with an id of no use for a notification, and is silent."""
        fits = self.id is msgspec.UNSET or type(self.id) in (int, str)
        return fits or not isinstance(self.method, str)

    def is_askable(self) -> bool:
        """Whether this opens a session for a client that can be asked."""
        able = self.params.get("capabilities") if isinstance(self.params, dict) else None
        return isinstance(able, dict) and not _ASKABLE.isdisjoint(able)


def _message(read: list[Message]) -> _Message | None:
    """The message; None if it is none, which the library will say."""
    body = b"".join(message.get("body", b"") for message in read)
    try:
        return msgspec.json.decode(body, type=_Message)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
