"""The proxy's client of the daemon: the SDK's, with lines of its own where the daemon is near.

A proxy asks and reports for every call, always the same two requests. To a daemon on this machine,
they cost a tenth of what they cost with a client for all of HTTP.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from ratelord import AsyncClient
from ratelord.attempts import Budget, translated
from ratelord.transport import headers
from ratelord.wire import Call, Reply
from ratelord_proxy.line import Line

MOST_LINES: Final = 100
"""Connections to the daemon at once; who finds none waits for one."""


class Desk(AsyncClient):
    """``AsyncClient`` for a loop of asyncio. A daemon elsewhere, or behind TLS, and whatever is
    neither question nor report, is left to the general client."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        at = self.connection
        parts = urlsplit(at.url)
        self._near = at.local and (at.socket is not None or parts.scheme == "http")
        self._place = ((parts.hostname or "").strip("[]"), parts.port or 80)
        self._base = "" if at.socket else parts.path
        said = {"host": "localhost" if at.socket else parts.netloc, **headers(at)}
        lines = (f"{name}: {value}\r\n" for name, value in said.items())
        self._head = f"{''.join(lines)}content-type: application/json\r\ncontent-length: "
        self._idle: list[Line] = []
        self._free = asyncio.Semaphore(MOST_LINES)

    async def _hang_up(self) -> None:
        for line in self._idle:
            line.close()
        self._idle.clear()
        await super()._hang_up()

    async def _send(self, call: Call, budget: Budget) -> Reply:
        content = call.content
        if not self._near or content is None or call.query:
            return await super()._send(call, budget)
        start = f"{call.method} {self._base}{call.path} HTTP/1.1\r\n{self._head}"
        request = b"%b%d\r\n\r\n%b" % (start.encode(), len(content), content)
        with translated(self.connection):
            try:
                async with asyncio.timeout(budget.left()), self._free:
                    return await self._ask(request)
            except TimeoutError:
                raise httpx2.ReadTimeout("the time is over") from None

    async def _ask(self, request: bytes) -> Reply:
        line = self._kept() or await self._connect()
        try:
            return await line.ask(request)
        finally:
            if line.open:
                self._idle.append(line)

    def _kept(self) -> Line | None:
        """The line that was used last and is still open: those that are not needed grow old."""
        while self._idle:
            line = self._idle.pop()
            if line.open:
                return line
        return None

    async def _connect(self) -> Line:
        loop = asyncio.get_running_loop()
        socket = self.connection.socket
        try:
            if socket:
                return (await loop.create_unix_connection(Line, socket))[1]
            return (await loop.create_connection(Line, *self._place))[1]
        except OSError as error:
            raise httpx2.ConnectError(str(error)) from None
