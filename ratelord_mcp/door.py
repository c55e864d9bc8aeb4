"""``/mcp`` on the daemon's port: loads the protocol's library when somebody first knocks."""

from __future__ import annotations

import asyncio
import gc
import pkgutil
from collections.abc import Mapping
from typing import Any

from ratelord_core.doors import Access, Begun, Building, OpenDoor, Receive, Scope, Send
from ratelord_core.errors import Unavailable
from ratelord_core.model.caller import Caller


class McpDoors:
    """Opens ``/mcp``."""

    name = "mcp"
    path = "/mcp"
    access: Access = "known"

    def open(self, building: Building) -> OpenDoor:
        """The door, with nothing behind it yet."""
        return McpDoor(building)


class McpDoor:
    """Lets requests into the hall, which is furnished when the first one comes.

    Loading the library takes more than a second, so it happens in a thread, and a daemon that
    nobody asks over MCP never does it.
    """

    furnisher = "ratelord_mcp.hall:furnish"
    """Who furnishes it, by name: loading the one who does is what takes long."""

    def __init__(self, building: Building) -> None:
        self._building = building
        self._hall: Any = None
        self._furnishing: asyncio.Task[None] | None = None
        self._living: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._hall is None:
            await self._furnished()
        await self._hall.serve(scope, receive, send)

    def begin(self, headers: Mapping[bytes, bytes], body: bytes, caller: Caller) -> Begun | None:
        """Begin to answer a hot call, once the hall is furnished."""
        if self._hall is None or self._closing.is_set():
            return None
        begun: Begun | None = self._hall.begin(headers, body, caller)
        return begun

    def close(self) -> None:
        """End the streams, and the hall as soon as they have said good-bye."""
        self._closing.set()

    async def finish(self) -> None:
        """Until the hall is empty."""
        for task in (self._furnishing, self._living):
            if task is not None:
                await asyncio.wait((task,))

    async def _furnished(self) -> None:
        if self._closing.is_set():
            raise Unavailable("the daemon is stopping; ask the next one", code="shutting_down")
        if self._furnishing is None or (self._furnishing.done() and self._hall is None):
            self._furnishing = asyncio.create_task(self._furnish(), name="mcp: loading")
        # Whoever goes away meanwhile must not take it from those who wait with it.
        await asyncio.shield(self._furnishing)

    async def _furnish(self) -> None:
        furnish = await asyncio.to_thread(pkgutil.resolve_name, self.furnisher)
        furnished = furnish(self._building)
        ready = asyncio.Event()
        living = asyncio.create_task(furnished.live(ready, self._closing), name="mcp")
        await asyncio.wait(
            (living, waiting := asyncio.create_task(ready.wait())), return_when="FIRST_COMPLETED"
        )
        waiting.cancel()
        if living.done():
            living.result()
        # The library is here to stay: it need not be searched for garbage again and again.
        gc.freeze()
        self._hall, self._living = furnished, living
