"""Behind ``/mcp``: one server for both eras, its sessions, and who is in them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any, Final

import msgspec
from mcp.server.lowlevel import Server
from mcp.server.transport_security import TransportSecuritySettings

from ratelord_core.doors import CALLER, Begun, Building, Receive, Scope, Send
from ratelord_core.model.caller import Caller
from ratelord_core.stream_seats import StreamSeats, party_of
from ratelord_mcp import last_words
from ratelord_mcp.call import Context
from ratelord_mcp.express import Express
from ratelord_mcp.seats import Seats
from ratelord_mcp.server import build
from ratelord_mcp.sessions import BODY_LIMIT, Sessions

MAX_SESSIONS: Final = 1024
IDLE: Final = 30 * 60.0
"""Seconds after which a session of the handshake era that nobody uses is forgotten."""
_METHOD: Final = b"mcp-method"
_LISTEN: Final = b"subscriptions/listen"
PARTING: Final = 0.2
"""Seconds in which open streams may say good-bye."""


def furnish(building: Building) -> Hall:
    """The hall of this daemon's own server."""
    server = build(building.arbiter, caller_of, offers=building.gather)
    return Hall(server, server.close, Express(building.arbiter, server), listeners=building.seats)


class Hall:
    """Serves MCP over HTTP until it is told to close.

    ``close`` ends the server's open streams; ``express`` answers what needs no library, if given;
    ``listeners`` are the seats of those who listen.
    """

    def __init__(
        self,
        server: Server[Any],
        close: Callable[[], None],
        express: Express | None = None,
        *,
        idle: float = IDLE,
        seats: Seats | None = None,
        listeners: StreamSeats | None = None,
    ) -> None:
        self._close = close
        self._listeners = StreamSeats() if listeners is None else listeners
        self._express = express
        self._sessions = Sessions(
            server,
            seats,
            # The daemon's own guard stands in front of every path, this one included.
            security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
            session_idle_timeout=idle,
            max_request_body_size=BODY_LIMIT,
            max_sessions=MAX_SESSIONS,
        )

    async def live(self, ready: asyncio.Event, closing: asyncio.Event) -> None:
        """Keep the sessions until ``closing``; streams are ended first, and then the rest."""
        async with self._sessions.run():
            ready.set()
            await closing.wait()
            self._close()
            await asyncio.sleep(PARTING)
        await last_words.finish()

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        caller: Caller = scope[CALLER]
        left: Receive | None = receive
        if self._express is not None:
            left = await self._express.answer(scope, receive, _at_this_door(caller))
        if left is not None:
            # The library holds this header to the method that it finds in the body.
            listens = (_METHOD, _LISTEN) in scope["headers"]
            with self._listeners.taken(party_of(caller, scope)) if listens else nullcontext():
                await self._sessions.handle_request(scope, left, send)

    def begin(self, headers: Mapping[bytes, bytes], body: bytes, caller: Caller) -> Begun | None:
        """Begin to answer what needs neither the library nor ASGI."""
        if self._express is None:
            return None
        return self._express.begin(headers, body, _at_this_door(caller))


def caller_of(context: Context) -> Caller:
    """Who the daemon's gate let in with this request, at this door."""
    request: Any = context.request
    let_in: Caller = request.scope[CALLER]
    return _at_this_door(let_in)


def _at_this_door(let_in: Caller) -> Caller:
    return msgspec.structs.replace(let_in, door="mcp")
