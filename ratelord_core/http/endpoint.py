"""A path of the routing table: which methods it takes, who may use them, what they do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from ratelord_core.doors import Receive, Scope, Send
from ratelord_core.http.exchange import Answer, Exchange
from ratelord_core.http.problems import HttpRefusal
from ratelord_core.http.security import Access, permit

EXCHANGE = "ratelord.exchange"
"""Where the door leaves the exchange in the scope."""

Handler = Callable[[Exchange], Awaitable[Answer]]


class Action(msgspec.Struct, frozen=True):
    """What one method does, and what a caller needs for it."""

    access: Access
    handle: Handler


class Endpoint:
    """All methods of one path; an ASGI application inside the routing table."""

    def __init__(self, **actions: Action) -> None:
        self._actions = actions
        allowed = sorted({*actions, *(["HEAD"] if "GET" in actions else [])})
        self._allow = ", ".join(allowed)

    async def answer(self, exchange: Exchange) -> Answer:
        """The answer of the method that was asked for; raises the 405, the 401 and the 403."""
        action = self._actions.get(exchange.method)
        if action is None:
            raise HttpRefusal(
                405,
                "method_not_allowed",
                f"{exchange.scope['method']} does not fit here; use {self._allow}",
                ((b"allow", self._allow.encode()),),
            )
        permit(exchange, action.access)
        return await action.handle(exchange)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange: Exchange = scope[EXCHANGE]
        exchange.params = scope["path_params"]
        answer = await self.answer(exchange)
        await answer.send(exchange, send)
