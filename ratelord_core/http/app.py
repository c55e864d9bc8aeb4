"""The HTTP door: one function in front that guards, names and routes every request.

The hot paths (asking, reporting, observing) are found in a dict; everything else goes through
Starlette's routing table. No layer stands between the guard and the endpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from starlette.routing import Router

from ratelord_core.arbiter import Authority
from ratelord_core.correlation import CURRENT
from ratelord_core.doors import Building, Receive, Scope, Send
from ratelord_core.http.body import ClientGoneError, discard
from ratelord_core.http.cors import Cors
from ratelord_core.http.described import offered
from ratelord_core.http.endpoint import EXCHANGE, Endpoint
from ratelord_core.http.events import Events
from ratelord_core.http.exchange import Exchange
from ratelord_core.http.express import Express
from ratelord_core.http.failure import log_refusal
from ratelord_core.http.graph import Graph
from ratelord_core.http.health import Health
from ratelord_core.http.hosts import HostGuard
from ratelord_core.http.identities import Identities
from ratelord_core.http.intents import Intents
from ratelord_core.http.log import Log
from ratelord_core.http.metrics import Metrics, Tally
from ratelord_core.http.mounts import Mounts, TableFactory
from ratelord_core.http.observations import Observations
from ratelord_core.http.operation import Operation
from ratelord_core.http.plugins import Plugins
from ratelord_core.http.policy import Policy
from ratelord_core.http.pools import Pools
from ratelord_core.http.problems import HttpRefusal, problem_reply, status_of
from ratelord_core.http.prospects import Prospects
from ratelord_core.http.rate_fields import as_headers
from ratelord_core.http.reference import Reference
from ratelord_core.http.request_id import RequestIds
from ratelord_core.http.root import Root
from ratelord_core.http.routes import endpoints, routes
from ratelord_core.http.security import Gate, is_wrong_token
from ratelord_core.http.settings import HttpSettings
from ratelord_core.http.sse import Followers
from ratelord_core.http.suspicion import Suspicion
from ratelord_core.http.timings import Timings
from ratelord_core.model.instant import Micros
from ratelord_core.stream_seats import StreamSeats
from ratelord_core.wire.faults import shown

_HOT: Final = ("/v1/intent", "/v1/intents/batch", "/v1/observations")
_INTENT: Final = "/v1/intents/"
_REPORT: Final = "/report"
_ONCE: Final = (
    b"host",
    b"origin",
    b"authorization",
    b"content-type",
    b"content-length",
    b"idempotency-key",
)
"""Headers that must not be sent twice: two readers could each believe another one."""


class Door:
    """The ASGI application. ``close`` ends the open streams when the daemon stops."""

    def __init__(self, arbiter: Authority, settings: HttpSettings, mounts: Mounts) -> None:
        self._mounts = mounts
        self._cors = Cors(settings.cors_origins)
        self._guard = HostGuard(settings.bound_host, settings.allowed_hosts, self._cors.origins)
        self._gate = Gate(arbiter.authenticate, arbiter.certified, settings)
        self._suspicion = Suspicion()
        self._ids = RequestIds(settings.entropy)
        self._tally = Tally()
        self.timings = Timings(arbiter.now)
        """How long requests took, and who is told of each."""
        self.metrics = Metrics(arbiter, self._tally, self.timings)
        self._followers = Followers(settings, mounts.seats)
        intents = Intents(arbiter, settings)
        self.express = Express(
            intents,
            mounts.prompt(),
            self._guard,
            self._gate,
            self._ids,
            self._tally,
            self.timings,
        )
        """Where a connection may hand in a plain question, past the ceremony of ASGI."""
        operations = (*offered(debug=settings.debug), *mounts.operations)
        nouns = (*self._nouns(arbiter, settings, intents, operations), *mounts.nouns)
        table = endpoints(operations, nouns)
        self._hot = {path: table[path] for path in _HOT}
        self._report = table["/v1/intents/{intent_id}/report"]
        self._router = Router(routes(table), redirect_slashes=False, default=_no_route)

    def _nouns(
        self,
        arbiter: Authority,
        settings: HttpSettings,
        intents: Intents,
        operations: tuple[Operation, ...],
    ) -> tuple[object, ...]:
        """Whatever answers."""
        return (
            intents,
            Observations(arbiter, settings),
            Health(arbiter),
            Pools(arbiter),
            Events(arbiter, self._followers),
            Graph(arbiter),
            Policy(arbiter, settings),
            Plugins(arbiter, settings),
            self.metrics,
            Identities(arbiter, settings),
            Prospects(arbiter, settings),
            Log(arbiter),
            Root(),
            Reference(operations),
        )

    def close(self) -> None:
        """End every stream; a reader comes back with ``Last-Event-ID``."""
        self._followers.closing.set()
        self._mounts.close()

    async def finish(self) -> None:
        """Return when nothing runs any more behind the doors that plugins added."""
        await self._mounts.finish()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"the door speaks HTTP, not {scope['type']}")
        self._tally.requests += 1
        since = self.timings.now()
        headers = dict(scope["headers"])
        named = self._ids.correlation(headers)
        exchange = Exchange(scope, receive, headers, named.request_id, named)
        # Whatever is logged on behalf of this request carries its id; each has a task of its own.
        CURRENT.set(named)
        try:
            await self._serve(exchange, send)
        except ClientGoneError:
            return
        except Exception as error:  # noqa: BLE001 (the last one who can answer)
            await self._refuse(error, exchange, send)
        if exchange.route is not None:
            self._time(exchange, exchange.route, since)

    def _time(self, exchange: Exchange, route: str, since: Micros) -> None:
        trace = (b"", b"")
        if exchange.extra and exchange.named.trace_id:
            name, value = exchange.extra[0]
            trace = (exchange.headers[b"traceparent"], name + b": " + value)
        self.timings.finished(
            exchange.scope["method"], route, exchange.status, since, exchange.named, trace
        )

    async def _serve(self, exchange: Exchange, send: Send) -> None:
        scope = exchange.scope
        if len(exchange.headers) != len(scope["headers"]):
            _check_repeats(scope)
        self._guard.check(exchange.headers)
        exchange.extra = as_headers(self._ids.trace_line(exchange.headers))
        page = self._cors.allows(exchange.headers)
        if page is not None:
            self._cors.let_read(exchange, page)
            if self._cors.asks_first(exchange):
                await self._cors.may_ask().send(exchange, send)
                return
        self._gate.admit(exchange)
        endpoint = self._find(exchange)
        if endpoint is None:
            mount = self._mounts.find(scope["path"])
            if mount is not None:
                await mount.serve(exchange, send)
                return
            scope[EXCHANGE] = exchange
            await self._router(scope, exchange.receive, send)
            return
        answer = await endpoint.answer(exchange)
        await answer.send(exchange, send)

    def _find(self, exchange: Exchange) -> Endpoint | None:
        """The endpoint of a hot path."""
        path: str = exchange.scope["path"]
        found = self._hot.get(path)
        if found is None and path.endswith(_REPORT) and path.startswith(_INTENT):
            exchange.params = {"intent_id": path[len(_INTENT) : -len(_REPORT)]}
            return self._report
        return found

    async def _refuse(self, error: Exception, exchange: Exchange, send: Send) -> None:
        self._tally.refuse(error)
        if status_of(error) in {401, 403}:
            log_refusal(exchange, error)
        try:
            if is_wrong_token(error):
                error = await self._suspicion.hold_back(exchange.scope) or error
            await discard(exchange)
        except ClientGoneError:
            return
        if exchange.unread and b"expect" in exchange.headers:
            # Whether the body still comes nobody can know: what comes next would be taken for it.
            exchange.extra = (*exchange.extra, (b"connection", b"close"))
        await problem_reply(error, exchange).send(exchange, send)


def build_app(
    arbiter: Authority,
    settings: HttpSettings,
    gather: Callable[[str], Iterable[Any]] = lambda _hook: (),
    own: Iterable[TableFactory] = (),
) -> Door:
    """The HTTP door of an arbiter, as an ASGI application, with the doors that plugins add and
    those of the daemon's ``own``; ``gather`` tells what is registered under a hook."""
    doors = gather("ratelord_register_doors")
    seats = StreamSeats(settings.max_streams, settings.max_streams_each)
    return Door(arbiter, settings, Mounts(doors, Building(arbiter, gather, seats), own))


async def _no_route(scope: Scope, _receive: Receive, _send: Send) -> None:
    path = shown(scope["path"])
    raise HttpRefusal(404, "not_found", f"nothing is at {path}; GET / names the main paths")


def _check_repeats(scope: Scope) -> None:
    names = [name for name, _ in scope["headers"]]
    for name in _ONCE:
        if names.count(name) > 1:
            raise HttpRefusal(400, "invalid_header", f"{name.decode()} is sent more than once")
