"""Sessions of ``aiohttp``: a middleware that asks before a request goes out, and settles after."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from aiohttp.helpers import TimerNoop
from multidict import CIMultiDict, CIMultiDictProxy

from ratelord.capturing import governing
from ratelord.capturing.conversation import Conversation, Names
from ratelord.capturing.hearing_reader import HearingReader
from ratelord.capturing.speech import Refusal, Speech

if TYPE_CHECKING:
    from ratelord.async_client import AsyncClient

_REQUEST: Final = "_request"
"""Where a session makes every request: no public name leads to the middlewares of a session that
exists already, and a request that brings its own replaces them."""
_NEVER_SENT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)

Handler = Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]]


class GovernedSession:
    """The innermost middleware of a session's requests: what another one sends again, or a
    redirect leads to, is asked for again."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        speech: Speech,
        names: Names,
        client: AsyncClient,
        *,
        owns: bool,
    ) -> None:
        request = getattr(session, _REQUEST)
        self.inner = getattr(getattr(request, "__self__", None), "inner", request)
        self._session = session
        self._close_session = session.close
        self._speech = speech
        self._names = names
        self._client = client
        self._owns = owns
        self._settling: set[asyncio.Task[None]] = set()

    async def request(self, *words: Any, middlewares: Any = None, **named: Any) -> Any:
        """The session's own way, with one middleware more."""
        outer = self._session._middlewares if middlewares is None else middlewares  # noqa: SLF001 - see _REQUEST
        return await self.inner(*words, middlewares=(*outer, self.govern), **named)

    async def close(self) -> None:
        """Deliver the last reports, close the session, and who asks if nobody else uses it."""
        if self._settling:
            await asyncio.wait(self._settling)
        await self._close_session()
        if self._owns:
            await self._client.close()

    async def govern(self, request: aiohttp.ClientRequest, send: Handler) -> aiohttp.ClientResponse:
        """Send the request, if it may be sent."""
        body = await _body(request)
        call = Conversation(self._speech, self._names, request.method, request.url.path, body)
        if call.asked is None:
            return await send(request)
        refused = await governing.ask_async(self._client, call)
        if refused is not None:
            return await _refused(request, refused)
        try:
            response = await send(request)
        except _NEVER_SENT:
            await governing.free_async(self._client, call)
            raise
        except BaseException:
            await self._settle(call, ended=False)
            raise
        call.answered(response.status, response.headers, decoded=True)
        if response.status == 101:  # from here on it is no response, and nobody's end tells
            await self._settle(call, ended=True)
            return response
        response.content = HearingReader(  # type: ignore[assignment]  # all that a reader is read by
            response.content, call, self._settle, self._settle_beside
        )
        return response

    async def _settle(self, call: Conversation, *, ended: bool) -> None:
        await governing.settle_async(self._client, call, ended=ended)

    def _settle_beside(self, call: Conversation, *, ended: bool) -> None:
        task = asyncio.get_running_loop().create_task(self._settle(call, ended=ended))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)


def govern_session(
    session: Any, speech: Speech, names: Names, client: AsyncClient, *, owns: bool
) -> None:
    """Let every request of a session be asked for."""
    governed = GovernedSession(session, speech, names, client, owns=owns)
    # Past the session's own setter, which warns of every name that is not aiohttp's.
    object.__setattr__(session, _REQUEST, governed.request)
    object.__setattr__(session, "close", governed.close)


async def _body(request: aiohttp.ClientRequest) -> bytes:
    """What a request of JSON says; nothing else is looked at."""
    if "json" not in request.headers.get("content-type", ""):
        return b""
    return request.body if isinstance(request.body, bytes) else await request.body.as_bytes()


async def _refused(request: aiohttp.ClientRequest, refusal: Refusal) -> aiohttp.ClientResponse:
    """A response of the session's own kind that came over no connection."""
    given: dict[str, Any] = {
        "writer": None,
        "continue100": None,
        "timer": TimerNoop(),
        "request_info": request.request_info,
        "traces": [],
        "loop": asyncio.get_running_loop(),
        "session": request.session,
        "stream_writer": SimpleNamespace(output_size=0),
    }
    kind = request.response_class or aiohttp.ClientResponse
    taken = inspect.signature(kind).parameters  # older ones know no stream_writer
    known = {name: value for name, value in given.items() if name in taken}
    response = kind(request.method, request.original_url, **known)
    return await response.start(_Said(refusal))  # type: ignore[arg-type]  # all that it asks of one


class _Said:
    """A connection whose other side said a refusal, and no more."""

    def __init__(self, refusal: Refusal) -> None:
        self.protocol = self
        self.upgraded = False
        self._refusal = refusal

    async def read(self) -> tuple[Any, aiohttp.StreamReader]:
        """The head, and a reader of the body."""
        refusal = self._refusal
        content = aiohttp.StreamReader(self, len(refusal.body) + 1)  # type: ignore[arg-type]  # as above
        content.feed_data(refusal.body)
        content.feed_eof()
        headers = CIMultiDict(refusal.headers)
        raw = tuple((name.encode(), value.encode()) for name, value in headers.items())
        head = SimpleNamespace(
            version=aiohttp.HttpVersion11,
            code=refusal.status,
            reason="Too Many Requests" if refusal.status == 429 else "Service Unavailable",
            headers=CIMultiDictProxy(headers),
            raw_headers=raw,
        )
        return head, content

    def resume_reading(self, *, resume_parser: bool = True) -> None:
        """There is nothing to come."""

    def release(self) -> None:
        """There is nothing to let go."""

    close = release
