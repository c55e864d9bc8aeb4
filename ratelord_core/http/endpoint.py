"""A path of the routing table: which methods it takes, who may use them, what they do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping

from ratelord_core.doors import Receive, Scope, Send
from ratelord_core.http.exchange import Answer, Exchange, Reply
from ratelord_core.http.fitting import fitted
from ratelord_core.http.operation import Operation
from ratelord_core.http.problems import HttpRefusal
from ratelord_core.http.security import permit

EXCHANGE = "ratelord.exchange"
"""Where the door leaves the exchange in the scope."""

Handler = Callable[[Exchange], Awaitable[Answer]]


class Action:
    """What one method does here: an operation, and the noun that carries it out."""

    __slots__ = ("access", "declared", "handle", "listed", "route", "tagged")

    def __init__(self, operation: Operation, noun: object) -> None:
        self.access = operation.access
        self.route = operation.public_path
        self.declared = frozenset(parameter.name for parameter in operation.parameters)
        self.handle: Handler = getattr(noun, operation.handle.__name__)
        self.listed = operation.listed
        self.tagged = operation.tagged


class Endpoint:
    """All methods of one path; an ASGI application inside the routing table."""

    def __init__(self, operations: Iterable[Operation], nouns: Mapping[str, object]) -> None:
        self._actions: dict[str, Action] = {
            one.method: Action(one, nouns[one.noun]) for one in operations
        }
        allowed = sorted({*self._actions, *(["HEAD"] if "GET" in self._actions else [])})
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
        exchange.route = action.route
        permit(exchange, action.access)
        exchange.declared = action.declared
        answer = await action.handle(exchange)
        if action.listed and isinstance(answer, Reply):
            return await fitted(answer, exchange.headers, tagged=action.tagged)
        return answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange: Exchange = scope[EXCHANGE]
        exchange.params = scope["path_params"]
        answer = await self.answer(exchange)
        await answer.send(exchange, send)
