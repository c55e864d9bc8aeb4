"""A leader's connections: how many, how slow and how long-winded strangers may be."""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ratelord_core.transport import MAX_BODY

PATIENCE: Final = 30.0
"""Seconds in which a request must have come whole, its head too: nobody is known before that."""
MOST: Final = 512
"""Connections at once. Half of the files that a process may usually open: without any left, a
server can take no connection, and does nothing but try."""
_ROOM: Final = 2 * MAX_BODY
"""Bytes of one request, with all that is about its body."""


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's connection, which waits for ever, and for a head of any length, with bounds."""

    def __init__(
        self, *args: Any, patience: float = PATIENCE, most: int = MOST, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self._patience = patience
        self._most = most
        self._came = 0
        self._due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it, and begin to wait."""
        super().connection_made(cast("asyncio.Transport", transport))  # uvloop's is no subclass
        if len(self.connections) > self._most:
            self.transport.abort()
        else:
            self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._rest()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, if there is room for it."""
        self._expect()  # be it an empty line, which begins no request, and ends a rest
        self._came += len(data)
        if self._came > _ROOM:
            self.transport.abort()
        else:
            super().data_received(data)

    def on_message_begin(self) -> None:
        """The next request, which may have come with the end of the last."""
        super().on_message_begin()
        self._expect()

    def on_message_complete(self) -> None:
        """It is whole: what takes time now is the answer."""
        super().on_message_complete()
        self._rest()

    def _expect(self) -> None:
        if self._due is None:
            self._due = self.loop.call_later(self._patience, self.transport.abort)

    def _rest(self) -> None:
        self._came = 0
        if self._due is not None:
            self._due.cancel()
            self._due = None
