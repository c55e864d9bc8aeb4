"""How sessions end that nobody ends: by standing idle, and to make room."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ratelord_core.doors import CALLER, Message
from ratelord_core.model.caller import Caller
from ratelord_core.testing.living_arbiter import living
from ratelord_mcp.hall import Hall, caller_of
from ratelord_mcp.seats import Seats
from ratelord_mcp.server import build

POLICY = "pools: [{id: team/requests, limit: 10, window: {kind: fixed, every: 60s}}]"
OPENING = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "0"},
    },
}
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


class Knocker:
    """Sends requests to a hall, as the daemon passes them on."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall

    async def send(
        self,
        body: Any = None,
        session: str = "",
        method: str = "POST",
        who: str | None = None,
    ) -> tuple[int, str]:
        """The status, and the session that was opened."""
        sent: list[Message] = []
        content = b"" if body is None else json.dumps(body).encode()
        messages = [{"type": "http.request", "body": content, "more_body": False}]

        async def receive() -> Message:
            if messages:
                return messages.pop()
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Message) -> None:
            sent.append(message)

        both = b"application/json, text/event-stream"
        headers = [(b"accept", both), (b"content-type", b"application/json")]
        if session:
            headers += [(b"mcp-session-id", session.encode())]
        scope = {
            "type": "http",
            "method": method,
            "path": "/mcp",
            "query_string": b"",
            "headers": headers,
            "client": ("127.0.0.1", 1),
            CALLER: Caller(role="agent", identity_id=who) if who else Caller(),
        }
        await self._hall.serve(scope, receive, send)
        opened = dict(sent[0]["headers"]).get(b"mcp-session-id", b"")
        return sent[0]["status"], opened.decode()


@asynccontextmanager
async def knocking(**options: Any) -> AsyncIterator[Knocker]:
    async with living(POLICY) as alive:
        server = build(alive.arbiter, caller_of)
        hall = Hall(server, server.close, **options)
        ready, closing = asyncio.Event(), asyncio.Event()
        life = asyncio.create_task(hall.live(ready, closing))
        await ready.wait()
        yield Knocker(hall)
        closing.set()
        await life


def test_a_session_that_stood_idle_is_not_found() -> None:
    async def scene() -> None:
        async with knocking(idle=2.0) as door:
            _, session = await door.send(OPENING)
            assert (await door.send(PING, session))[0] == 200
            async with asyncio.timeout(60):
                await asyncio.sleep(2.5)
                while (await door.send(PING, session))[0] != 404:  # noqa: ASYNC110 (only time ends it)
                    await asyncio.sleep(2.5)

    asyncio.run(scene())


def test_the_idle_oldest_makes_room_and_what_is_in_use_does_not() -> None:
    async def scene() -> None:
        async with knocking(seats=Seats(most=3, each=2)) as door:
            first, second = [(await door.send(OPENING))[1] for _ in range(2)]
            stream = asyncio.create_task(door.send(None, first, "GET"))
            await asyncio.sleep(0)

            third = (await door.send(OPENING))[1]

            assert (await door.send(PING, first))[0] == 200
            assert (await door.send(PING, second))[0] == 404
            assert (await door.send(PING, third))[0] == 200
            assert (await door.send(None, third, "DELETE"))[0] == 200
            assert (await door.send(OPENING))[0] == 200
            stream.cancel()

    asyncio.run(scene())


def test_where_all_are_in_use_nobody_more_comes_in_and_a_token_is_not_hurt_by_others() -> None:
    async def scene() -> None:
        async with knocking(seats=Seats(most=9, each=1)) as door:
            _, session = await door.send(OPENING)
            stream = asyncio.create_task(door.send(None, session, "GET"))
            await asyncio.sleep(0)

            assert (await door.send(OPENING))[0] == 503
            assert (await door.send(OPENING, who="pat:one"))[0] == 200
            _, again = await door.send(OPENING, who="pat:one")
            assert (await door.send(PING, again, who="pat:one"))[0] == 200
            assert (await door.send(PING, again, who="pat:two"))[0] == 404
            stream.cancel()

    asyncio.run(scene())
