"""Sessions over HTTP: answers are plain JSON, and streams for those who can be spoken to meanwhile.

A JSON answer costs least, but it carries nothing beside the result: the human of a client could not
be asked, and progress could not be told.
"""

from __future__ import annotations

import logging
from contextlib import nullcontext
from contextvars import ContextVar
from typing import Any, Final

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.types.version import HANDSHAKE_PROTOCOL_VERSIONS

from ratelord_core.doors import CALLER, Message, Receive, Scope, Send
from ratelord_core.model.caller import Caller
from ratelord_mcp.glance import NO_MESSAGE, glance
from ratelord_mcp.seats import Owner, Seats

BODY_LIMIT: Final = 256 * 1024
"""Bytes of a request."""
_SESSION: Final = b"mcp-session-id"
_LENGTHY: Final = b"errors.pydantic.dev"
_NO_ROOM: Final = (
    b'{"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":'
    b'"too many sessions are open and in use; end one with DELETE, or try again later"}}'
)
_TALKATIVE: Final = ("mcp.server.streamable_http", "mcp.server.streamable_http_manager")

_streamed: ContextVar[bool] = ContextVar("streamed", default=False)


class Sessions(StreamableHTTPSessionManager):
    """The library's sessions. It chooses between JSON and streams once for all; here the client of
    each session chooses, and in the stateless era each request. A stream that would have nothing
    but the result is sent as JSON then; and who hangs up has cancelled the call. A session belongs
    to the token that opened it, and whoever has too many loses one that it does not use."""

    def __init__(self, app: Server[Any], seats: Seats | None = None, **options: Any) -> None:
        super().__init__(app, **options)
        self._seats = seats or Seats()
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
        caller: Caller = scope[CALLER]
        _sign(scope, caller.identity_id)
        headers: dict[bytes, bytes] = dict(scope["headers"])
        streamed = b"text/event-stream" in headers.get(b"accept", b"")
        session_id = headers.get(_SESSION, b"").decode("latin-1")
        if scope["method"] == "POST" and _handshakes(headers):
            read = await _read_ahead(receive)
            if read[-1]["type"] == "http.disconnect":
                return  # nobody is there to be answered
            receive = _again(read, receive)
            message = glance(b"".join(part.get("body", b"") for part in read))
            if message is not None and not message.is_answerable():
                await _refuse(send, 400, NO_MESSAGE)
                return
            streamed = streamed and message is not None and message.is_askable()
            if message is not None and message.method == "initialize" and not session_id:
                owner = Owner(caller.identity_id, (scope.get("client") or ("",))[0], message.client)
                if not await self._make_room(owner, scope):
                    await _refuse(send, 503, _NO_ROOM)
                    return
                send = self._seating(owner, send)
        if scope["method"] == "DELETE":
            send = self._leaving(session_id, send)
        token = _streamed.set(streamed)
        try:
            with self._seats.used(session_id) if session_id else nullcontext():
                await super().handle_request(scope, receive, _Brief(send).send)
        finally:
            _streamed.reset(token)

    async def _make_room(self, owner: Owner, scope: Scope) -> bool:
        """Whether there is room for one more session; another is ended for it, if it is idle."""
        party = self._seats.crowd(owner)
        if party is None:
            return True
        found = self._seats.spare(party)
        if found is None:
            return False
        session_id, theirs = found
        self._seats.leave(session_id)
        end = {**scope, "method": "DELETE", "headers": [(_SESSION, session_id.encode("latin-1"))]}
        _sign(end, theirs.identity_id)
        await super().handle_request(end, _nothing, _nowhere)
        return True

    def _seating(self, owner: Owner, send: Send) -> Send:
        """Passes an answer on, and remembers the session that it opens."""

        async def seated(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                opened = dict(message["headers"]).get(_SESSION)
                if opened is not None:
                    self._seats.take(opened.decode("latin-1"), owner)
            await send(message)

        return seated

    def _leaving(self, session_id: str, send: Send) -> Send:
        """Passes an answer on, and forgets the session that has ended by it."""

        async def left(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                self._seats.leave(session_id)
            await send(message)

        return left


def _sign(scope: Scope, identity_id: str | None) -> None:
    """Say in the library's words whose token a request bears."""
    scope.pop("user", None)
    if identity_id is not None:
        bearer = AccessToken(token="", client_id=identity_id, scopes=[])
        scope["user"] = AuthenticatedUser(bearer)


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _nowhere(_message: Message) -> None:
    """Nobody hears of it."""


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
                message = {"type": "http.response.body", "body": NO_MESSAGE}
                start["headers"] = [
                    (name, b"%d" % len(NO_MESSAGE) if name == b"content-length" else value)
                    for name, value in start["headers"]
                ]
            await self._send(start)
        await self._send(message)


async def _refuse(send: Send, status: int, body: bytes) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
