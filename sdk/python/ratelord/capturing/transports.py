"""Transports for ``httpx2`` and ``httpx``, which look alike: ask before a request, settle when its
response ended or was closed. The response itself is passed on as it came."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ratelord.capturing import governing
from ratelord.capturing.conversation import Conversation, Names
from ratelord.capturing.speech import Refusal, Speech

if TYPE_CHECKING:
    from ratelord.async_client import AsyncClient
    from ratelord.client import Client


def _never_sent(library: ModuleType) -> tuple[type[Exception], ...]:
    return library.ConnectError, library.ConnectTimeout, library.PoolTimeout


def _is_json(request: Any) -> bool:
    return "json" in request.headers.get("content-type", "")


def _refused(library: ModuleType, request: Any, refusal: Refusal) -> Any:
    return library.Response(
        refusal.status, headers=refusal.headers, content=refusal.body, request=request
    )


class _Governed:
    """What both kinds of transports are made with."""

    def __init__(
        self,
        library: ModuleType,
        inner: Any,
        speech: Speech,
        names: Names,
        client: Any,
        owns: bool,
    ) -> None:
        self.inner = inner
        self._library = library
        self._speech = speech
        self._names = names
        self._client = client
        self._owns = owns

    def _call(self, request: Any, body: bytes) -> Conversation:
        return Conversation(self._speech, self._names, request.method, request.url.path, body)


class GovernedTransport(_Governed):
    """For clients that block."""

    def handle_request(self, request: Any) -> Any:
        """Send the request, if it may be sent."""
        call = self._call(request, request.read() if _is_json(request) else b"")
        if call.asked is None:
            return self.inner.handle_request(request)
        client: Client = self._client
        refused = governing.ask(client, call)
        if refused is not None:
            return _refused(self._library, request, refused)
        try:
            response = self.inner.handle_request(request)
        except _never_sent(self._library):
            governing.free(client, call)
            raise
        except BaseException:
            governing.settle(client, call, ended=False)
            raise
        call.answered(response.status_code, response.headers)
        listening = _kinds(self._library)[2]
        response.stream = listening(response.stream, call, client)
        return response

    def close(self) -> None:
        """Close what is inside, and who asks if nobody else uses it."""
        self.inner.close()
        if self._owns:
            self._client.close()


class AsyncGovernedTransport(_Governed):
    """For clients that await."""

    async def handle_async_request(self, request: Any) -> Any:
        """Send the request, if it may be sent."""
        call = self._call(request, await request.aread() if _is_json(request) else b"")
        if call.asked is None:
            return await self.inner.handle_async_request(request)
        client: AsyncClient = self._client
        refused = await governing.ask_async(client, call)
        if refused is not None:
            return _refused(self._library, request, refused)
        try:
            response = await self.inner.handle_async_request(request)
        except _never_sent(self._library):
            await governing.free_async(client, call)
            raise
        except BaseException:
            await governing.settle_async(client, call, ended=False)
            raise
        call.answered(response.status_code, response.headers)
        listening = _kinds(self._library)[3]
        response.stream = listening(response.stream, call, client)
        return response

    async def aclose(self) -> None:
        """Close what is inside, and who asks if nobody else uses it."""
        await self.inner.aclose()
        if self._owns:
            await self._client.close()


class _Listening:
    """A response's stream that hears what passes and settles once, at its end or its closing."""

    def __init__(self, stream: Any, call: Conversation, client: Any) -> None:
        self._stream = stream
        self._talk = call
        self._client = client
        self._ended = False
        self._settled = False

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._stream:
            self._talk.hear(piece)
            yield piece
        self._ended = True
        self._settle()

    def close(self) -> None:
        """The other side has done with it."""
        try:
            self._stream.close()
        finally:
            self._settle()

    def _settle(self) -> None:
        if not self._settled:
            self._settled = True
            governing.settle(self._client, self._talk, ended=self._ended)


class _AsyncListening(_Listening):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            self._talk.hear(piece)
            yield piece
        self._ended = True
        await self._settle_async()

    async def aclose(self) -> None:
        """The other side has done with it."""
        try:
            await self._stream.aclose()
        finally:
            await self._settle_async()

    async def _settle_async(self) -> None:
        if not self._settled:
            self._settled = True
            await governing.settle_async(self._client, self._talk, ended=self._ended)


@cache
def _kinds(library: ModuleType) -> tuple[Any, Any, Any, Any]:
    """The classes, as children of the library's own: it looks at that."""
    return (
        type("GovernedTransport", (GovernedTransport, library.BaseTransport), {}),
        type("AsyncGovernedTransport", (AsyncGovernedTransport, library.AsyncBaseTransport), {}),
        type("Listening", (_Listening, library.SyncByteStream), {}),
        type("AsyncListening", (_AsyncListening, library.AsyncByteStream), {}),
    )


def governed(
    library: ModuleType,
    inner: Any,
    speech: Speech,
    names: Names,
    client: Any,
    *,
    owns: bool = False,
) -> Any:
    """A transport around another one, of ``httpx2`` or ``httpx``. ``client`` asks the daemon: a
    ``Client`` for transports that block, an ``AsyncClient`` for those that await. The transport
    closes it if it ``owns`` it."""
    blocks = hasattr(inner, "handle_request")
    kind = _kinds(library)[0 if blocks else 1]
    return kind(library, inner, speech, names, client, owns)
