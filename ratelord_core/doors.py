"""What a plugin needs in order to add a door to the daemon's port: a path, and who may pass.

A door is an ASGI application behind the daemon's own guards: foreign hosts and origins are turned
away before it, and the caller is known. It is opened when the first request comes, so that a door
nobody uses costs nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, Final, Literal, Protocol

import msgspec

from ratelord_core.arbiter import Arbiter
from ratelord_core.model.caller import Caller
from ratelord_core.stream_seats import StreamSeats

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

Access = Literal["open", "known", "look", "administer"]
"""What a door needs of a caller: nothing, any valid token, or a role that includes it."""

CALLER: Final = "ratelord.caller"
"""Where the scope has the ``Caller``, as the daemon made sure of it."""
REPLY: Final = "ratelord.reply"
"""Where the scope has a quick way to answer 200 with a JSON body that is whole: ``await
scope[REPLY](body)``, instead of two messages."""
WHOLE: Final = "ratelord.whole"
"""Where a connection leaves its way of taking a good reply in one piece; none of ASGI's own keys.
Called with the scope, the header lines and the body, it tells whether it took them."""


class Building(msgspec.Struct, frozen=True):
    """What a door may use: the arbiter, what plugins registered under a hook, and the seats of
    streams. A door that keeps a stream open takes a seat for it, so that nobody has them all."""

    arbiter: Arbiter
    gather: Callable[[str], Iterable[Any]]
    seats: StreamSeats = msgspec.field(default_factory=StreamSeats)


class OpenDoor(Protocol):
    """A door while the daemon runs."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request. What it raises before it answers becomes a problem."""
        ...

    def close(self) -> None:
        """End what would otherwise go on for ever: the daemon is stopping."""
        ...

    async def finish(self) -> None:
        """Return when nothing of the door runs any more."""
        ...


class Begun(Protocol):
    """A request that a door has begun to answer."""

    @property
    def pending(self) -> asyncio.Future[Any]:
        """Done when the reply may be sent."""
        ...

    def reply(self) -> tuple[bytes, bytes]:
        """Further header lines (each with its line end) and the JSON body of a 200; raises what
        befell it. Called once ``pending`` is done."""
        ...

    def unheard(self) -> None:
        """The client hung up before that: there is nobody to reply to. Called instead."""
        ...


class PromptDoor(OpenDoor, Protocol):
    """A door that can do without ASGI's ceremony for what is asked of it all the time."""

    def begin(self, headers: Mapping[bytes, bytes], body: bytes, caller: Caller) -> Begun | None:
        """Begin to answer a plain POST to the door's own path; None, with nothing done, if that is
        for ``__call__`` to do. Whatever it raises means the same."""
        ...


class DoorFactory(Protocol):
    """Opens one door.

    ``path`` is one segment, such as ``/mcp`` or ``/v1/weather``; everything below it is the door's
    as well. What only answers is in no document of the interface; the daemon's own doors describe
    their ``operations`` besides.
    """

    name: str
    path: str
    access: Access

    def open(self, building: Building) -> OpenDoor:
        """The door. Called once, when the daemon begins to listen: quick, and without I/O."""
        ...
