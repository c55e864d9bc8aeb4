"""How an asynchronous client makes its calls, and lets go of its connections."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import anyio
import httpx2
from tenacity import AsyncRetrying

from ratelord import attempts, wire
from ratelord.asking import Asking
from ratelord.decision import Settlement
from ratelord.errors import RatelordError
from ratelord.stream import StreamPosition
from ratelord.wire import Call, Reply

T = TypeVar("T")
LAST_WORDS = 2.0
"""Seconds that whoever leaves stays at most, to report, or to free what nobody waits for."""


class AsyncCalling(Asking):
    """The part of ``AsyncClient`` that goes over the wire."""

    _http: httpx2.AsyncClient
    _sleep: Callable[[float], Awaitable[None]]
    _reports = 0
    """Reports that are under way."""
    _reported: anyio.Event | None = None
    """What rings when none is any more, if somebody waits for that."""

    async def close(self) -> None:
        """Let go of the connections; reports that are under way are made first, for two seconds at
        most. Whatever is asked afterwards raises ``ClientClosed``."""
        if self._reports:
            if self._reported is None or self._reported.is_set():
                self._reported = anyio.Event()
            with anyio.move_on_after(LAST_WORDS, shield=True):
                await self._reported.wait()
        self._closed = True
        await self._hang_up()

    async def _hang_up(self) -> None:
        await self._http.aclose()

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """What ``close`` waits for."""
        self._reports += 1
        try:
            yield
        finally:
            self._reports -= 1
            if not self._reports and self._reported is not None:
                self._reported.set()

    async def _report(self, call: Call) -> Settlement:
        with self._reporting():
            return await self._call(call, Settlement)

    async def _call(self, call: Call, kind: type[T]) -> T:
        budget = self._budget()
        try:
            return wire.parse(await self._send(call, budget), kind)
        except RatelordError as error:  # only then is it worth while to prepare for more
            failed = [error]
        retrying = AsyncRetrying(sleep=self._sleep, **attempts.policy(call, budget))

        async def attempt() -> T:
            if failed:  # the first attempt is that which was made already
                raise failed.pop()
            return wire.parse(await self._send(call, budget), kind)

        return await retrying(attempt)

    async def _reply(self, call: Call) -> Reply:
        return await self._send(call, self._budget())

    async def _send(self, call: Call, budget: attempts.Budget) -> Reply:
        request = self._http.build_request(**self._request(call, budget))
        with attempts.translated(self.connection):
            response = await self._http.send(request, stream=True)
            try:
                body = attempts.Body(budget)
                async for piece in response.aiter_bytes():
                    body.add(piece)
            finally:
                await response.aclose()
        return Reply(response.status_code, response.headers, body.bytes())

    async def _stream_once(self, position: StreamPosition) -> AsyncIterator[dict[str, Any]]:
        with attempts.translated(self.connection):
            async with self._http.stream(**self._listening(position)) as response:
                if response.status_code != 200:
                    content = await response.aread()
                    wire.check(Reply(response.status_code, response.headers, content))
                position.opened()
                async for message in httpx2.EventSource(response):
                    yield position.advance(message.id, message.data)
