"""Doors that plugins add to the daemon's port: found by their first path segment.

A door with a table of its ``operations`` is dispatched and documented like the daemon's own: what
was opened is the noun that carries them out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, cast

from ratelord_core.doors import (
    CALLER,
    REPLY,
    Access,
    Building,
    DoorFactory,
    Message,
    OpenDoor,
    PromptDoor,
    Receive,
    Send,
)
from ratelord_core.errors import PluginError
from ratelord_core.http.exchange import Exchange, Reply
from ratelord_core.http.failure import log_failure
from ratelord_core.http.operation import Operation
from ratelord_core.http.routes import TABLE
from ratelord_core.http.security import permit

_API = "/v1/"
_TAKEN = frozenset("/".join(one.path.split("/")[:3]) for one in TABLE)
"""What the daemon itself answers below ``/v1``."""
_OURS = ("/v1", "/metrics", "/debug", "/docs", "/openapi.json", "/")


class Noun(Protocol):
    """Who carries out the operations of a table, each by the method that it names."""

    def close(self) -> None:
        """End what would otherwise go on for ever: the daemon is stopping."""
        ...

    async def finish(self) -> None:
        """Return when nothing of it runs any more."""
        ...


class TableFactory(Protocol):
    """A door with a table of its operations."""

    name: str
    path: str
    access: Access
    operations: tuple[Operation, ...]

    def open(self, building: Building) -> Noun:
        """The noun that they are carried out by. Quick, and without I/O."""
        ...


class Mount:
    """One open door, with what every reply of the daemon carries."""

    def __init__(self, factory: DoorFactory, building: Building) -> None:
        self.access = factory.access
        self._path = factory.path
        self.door: OpenDoor = factory.open(building)

    async def serve(self, exchange: Exchange, send: Send) -> None:
        """Let the caller in, if it may, and the door answer."""
        exchange.route = self._path
        permit(exchange, self.access)
        scope = exchange.scope
        scope[CALLER] = exchange.caller
        # The parser keeps white space around values, which none of them means (RFC 9110, 5.5).
        scope["headers"] = [(name, value.strip(b" \t")) for name, value in scope["headers"]]
        reply = _Reply(exchange, send)
        scope[REPLY] = reply.whole
        try:
            await self.door(scope, _noting(exchange), reply.send)
        except Exception as error:
            if not reply.started:
                raise
            log_failure("a door failed in the middle of its answer", exchange, error)


def _noting(exchange: Exchange) -> Receive:
    """The exchange's messages. What a door has read of a body is not waited for once more when the
    door refuses the request."""

    async def receive() -> Message:
        message = await exchange.receive()
        exchange.unread = message["type"] == "http.request" and message.get("more_body", False)
        return message

    return receive


class _Reply:
    """Adds the request's id and the security headers to whatever a door answers."""

    def __init__(self, exchange: Exchange, send: Send) -> None:
        self.started = False
        self._exchange = exchange
        self._send = send

    async def whole(self, body: bytes) -> None:
        """Answer with a JSON body."""
        self.started = True
        await Reply(body).send(self._exchange, self._send)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            own = list(message.get("headers", ()))
            if (b"content-type", b"text/event-stream") in own:
                self._exchange.route = None  # it lasts as long as somebody listens
            named = {name.lower() for name, _ in own}
            ours = self._exchange.head(message["status"])["headers"]
            more = [header for header in ours if header[0] not in named]
            message = {**message, "headers": [*own, *more]}
        await self._send(message)


class Mounts:
    """Every door that plugins added, and our ``own``, which have tables and may stand deeper."""

    def __init__(
        self,
        factories: Iterable[DoorFactory | TableFactory],
        building: Building,
        own: Iterable[TableFactory] = (),
    ) -> None:
        self.seats = building.seats
        """Where streams are counted, the door's own among them."""
        self.operations: tuple[Operation, ...] = ()
        """What doors with a table do."""
        self.nouns: list[Noun] = []
        """Who does it."""
        self._by_segment: dict[str, Mount] = {}
        taken: set[str] = set()
        for one in own:
            self._open(one, building)
        for factory in factories:
            if factory.path in taken or not _is_segment(factory.path):
                raise PluginError(
                    f"door {factory.name} wants {factory.path!r}, which is taken or no single "
                    "segment of its own; leave its plugin out with --without"
                )
            taken.add(factory.path)
            self._open(factory, building)

    def _open(self, factory: DoorFactory | TableFactory, building: Building) -> None:
        operations = operations_of(factory)
        if operations:
            self.operations += operations
            self.nouns.append(cast("TableFactory", factory).open(building))
        else:
            self._by_segment[factory.path] = Mount(cast("DoorFactory", factory), building)

    def find(self, path: str) -> Mount | None:
        """The door that a path leads to."""
        found = self._by_segment.get(path)
        if found is None and self._by_segment:
            end = path.find("/", len(_API) if path.startswith(_API) else 1)
            found = self._by_segment.get(path[:end]) if end > 0 else None
        return found

    def prompt(self) -> dict[str, PromptDoor]:
        """The doors that answer promptly, by their paths, to callers of any role."""
        return {
            path: cast("PromptDoor", mount.door)
            for path, mount in self._by_segment.items()
            if mount.access == "known" and hasattr(mount.door, "begin")
        }

    def close(self) -> None:
        """End what goes on for ever behind any of them."""
        for door in self._doors():
            door.close()

    async def finish(self) -> None:
        """Until nothing runs behind any of them."""
        for door in self._doors():
            await door.finish()

    def _doors(self) -> Iterator[Noun]:
        yield from (mount.door for mount in self._by_segment.values())
        yield from self.nouns


def operations_of(factory: DoorFactory | TableFactory) -> tuple[Operation, ...]:
    """The table of a door that has one."""
    found: tuple[Operation, ...] = getattr(factory, "operations", ())
    return found


def _is_segment(path: str) -> bool:
    """Whether a door may have this path: one segment, at the root or below ``/v1``."""
    if path.startswith(_API):
        return path.count("/") == 2 and path != _API and path not in _TAKEN
    return path.startswith("/") and path.count("/") == 1 and path not in _OURS
