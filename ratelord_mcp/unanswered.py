"""Which requests of a client have no answer yet, so that its end of input cuts none of them off."""

from __future__ import annotations

from typing import Any, Final

import anyio
import msgspec

from ratelord_mcp.glance import Glance

GRACE: Final = 0.5
"""Seconds that the work on what was asked may still take once the input has ended. A client that
has closed it may read on; a host that leaves waits two seconds for it before it kills."""
_NEVER: Final = "subscriptions/listen"
"""Answered when the client ends it, and not before."""


class _Said(msgspec.Struct):
    """What there is to know of a message of the server."""

    id: Any = None
    method: Any = None


class Unanswered:
    """Requests that were read, less those that were answered or taken back."""

    def __init__(self) -> None:
        self._ids: set[int | str] = set()
        self._none = anyio.Event()

    def heard(self, message: Glance) -> None:
        """The client sent this."""
        if message.method == "notifications/cancelled":
            params = message.params if isinstance(message.params, dict) else {}
            self._settle(params.get("requestId"))
        elif message.method not in (None, _NEVER) and type(message.id) in (int, str):
            self._ids.add(message.id)

    def said(self, text: str) -> None:
        """The server's answer, or whatever else it says, was written."""
        if self._ids:
            told = msgspec.json.decode(text, type=_Said)
            if told.method is None:
                self._settle(told.id)

    async def none_left(self) -> None:
        """Return once everything is answered, or has taken too long."""
        self._none = anyio.Event()
        if self._ids:
            with anyio.move_on_after(GRACE):
                await self._none.wait()

    def _settle(self, request_id: object) -> None:
        if type(request_id) in (int, str):
            self._ids.discard(request_id)
        if not self._ids:
            self._none.set()
