"""Doors that plugins add to the daemon's port: found by their first path segment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from ratelord_core.doors import (
    CALLER,
    REPLY,
    Building,
    DoorFactory,
    Message,
    OpenDoor,
    PromptDoor,
    Send,
)
from ratelord_core.errors import PluginError
from ratelord_core.http.exchange import Exchange, Reply
from ratelord_core.http.failure import log_failure
from ratelord_core.http.security import permit

_OURS = ("/v1", "/metrics", "/debug", "/docs", "/openapi.json", "/")


class Mount:
    """One open door, with what every reply of the daemon carries."""

    def __init__(self, factory: DoorFactory, building: Building) -> None:
        self.access = factory.access
        self.door: OpenDoor = factory.open(building)

    async def serve(self, exchange: Exchange, send: Send) -> None:
        """Let the caller in, if it may, and the door answer."""
        permit(exchange, self.access)
        scope = exchange.scope
        scope[CALLER] = exchange.caller
        # The parser keeps white space around values, which none of them means (RFC 9110, 5.5).
        scope["headers"] = [(name, value.strip(b" \t")) for name, value in scope["headers"]]
        reply = _Reply(exchange, send)
        scope[REPLY] = reply.whole
        try:
            await self.door(scope, exchange.receive, reply.send)
        except Exception as error:
            if not reply.started:
                raise
            log_failure("a door failed in the middle of its answer", exchange, error)


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
            named = {name.lower() for name, _ in own}
            ours = self._exchange.head(message["status"])["headers"]
            more = [header for header in ours if header[0] not in named]
            message = {**message, "headers": [*own, *more]}
        await self._send(message)


class Mounts:
    """Every door that plugins added."""

    def __init__(self, factories: Iterable[DoorFactory], building: Building) -> None:
        self._by_segment: dict[str, Mount] = {}
        for factory in factories:
            if factory.path in self._by_segment or not _is_segment(factory.path):
                raise PluginError(
                    f"door {factory.name} wants {factory.path!r}, which is taken or no single "
                    "segment; leave its plugin out with --without"
                )
            self._by_segment[factory.path] = Mount(factory, building)

    def find(self, path: str) -> Mount | None:
        """The door that a path leads to."""
        found = self._by_segment.get(path)
        if found is None and self._by_segment:
            found = self._by_segment.get(path[: path.find("/", 1)])
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
        for mount in self._by_segment.values():
            mount.door.close()

    async def finish(self) -> None:
        """Until nothing runs behind any of them."""
        for mount in self._by_segment.values():
            await mount.door.finish()


def _is_segment(path: str) -> bool:
    return path.startswith("/") and path.count("/") == 1 and path not in _OURS
