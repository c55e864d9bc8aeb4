"""Passing a request on: ask, forward, stream back, settle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import httpx2
import msgspec
from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from ratelord import AsyncClient
from ratelord.capturing import governing
from ratelord.capturing.conversation import Conversation, Names
from ratelord.capturing.speech import Refusal, Speech
from ratelord.errors import RatelordError, RequestRefused

MAX_BODY: Final = 64 * 1024 * 1024
"""Bytes of a request."""
_METHODS: Final = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
_HOP: Final = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer"}
    | {"transfer-encoding", "upgrade", "proxy-connection"}
)
_OURS: Final = "x-ratelord-"
_PARTING: Final = 10.0
"""Seconds to deliver the last reports in."""
_TIMEOUT: Final = httpx2.Timeout(30.0, read=600.0)


class Proxy:
    """One provider behind one address. ``application`` is ASGI."""

    def __init__(
        self, speech: Speech, names: Names, upstream: str, client: AsyncClient | None = None
    ) -> None:
        self._speech = speech
        self._names = names
        self._upstream = upstream.rstrip("/")
        self._client = client or AsyncClient()
        self._settling: set[asyncio.Task[None]] = set()
        limits = httpx2.Limits(max_connections=1000, max_keepalive_connections=100)
        self._http = httpx2.AsyncClient(timeout=_TIMEOUT, follow_redirects=False, limits=limits)
        self.application = Starlette(
            routes=[
                Route("/-/health", _health),
                Route("/{path:path}", self.pass_on, methods=_METHODS),
            ]
        )

    async def aclose(self) -> None:
        """Deliver the last reports, and let go of the connections."""
        if self._settling:
            await asyncio.wait(self._settling, timeout=_PARTING)
        await self._http.aclose()
        await self._client.close()

    async def pass_on(self, request: Request) -> Response:
        """The provider's answer, or a refusal in its shape."""
        try:
            body = await _body(request)
        except ClientDisconnect:
            return Response(status_code=499)
        if body is None:
            return self._error(413, f"the request is over {MAX_BODY} bytes")
        names = _names(self._names, request.headers)
        path = request.scope["raw_path"].decode("ascii", "replace").partition("?")[0]
        call = Conversation(self._speech, names, request.method, request.url.path, body)
        if call.asked is not None:
            try:
                refused = await governing.ask_async(self._client, call)
            except RequestRefused as error:
                return self._error(502, f"the daemon refuses the question: {error}")
            except RatelordError as error:
                return self._error(503, str(error))
            if refused is not None:
                return _response(refused)
        query = f"?{request.url.query}" if request.url.query else ""
        outward = self._http.build_request(
            request.method,
            f"{self._upstream}{path}{query}",
            headers=_forwarded(request.headers),
            content=body or None,
        )
        return await self._fetch(call, outward)

    async def _fetch(self, call: Conversation, outward: httpx2.Request) -> Response:
        try:
            answer = await self._http.send(outward, stream=True)
        except httpx2.ConnectError:
            await governing.free_async(self._client, call)
            return self._error(502, "the provider cannot be reached")
        except httpx2.HTTPError as error:
            await governing.settle_async(self._client, call, ended=False)
            return self._error(504, f"the provider did not answer: {type(error).__name__}")
        except BaseException:
            await governing.settle_async(self._client, call, ended=False)
            raise
        call.answered(answer.status_code, answer.headers)
        response = StreamingResponse(self._flow(call, answer), answer.status_code)
        response.raw_headers = [
            (name.lower(), value)
            for name, value in answer.headers.raw
            if name.decode("latin-1").lower() not in _HOP
        ]
        return response

    async def _flow(self, call: Conversation, answer: httpx2.Response) -> AsyncIterator[bytes]:
        """The body as it comes, still encoded; settled at its end or when nobody wants it more."""
        ended = False
        try:
            async for piece in answer.aiter_raw():
                call.hear(piece)
                yield piece
            ended = True
        finally:
            self._settle_beside(call, ended=ended)
            await answer.aclose()

    def _settle_beside(self, call: Conversation, *, ended: bool) -> None:
        """Report without letting the caller wait for it."""
        settling = governing.settle_async(self._client, call, ended=ended)
        task = asyncio.get_running_loop().create_task(settling, name="settle")
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    def _error(self, status: int, reason: str) -> Response:
        body = msgspec.json.encode(self._speech.error(status, f"ratelord proxy: {reason}"))
        return Response(body, status, media_type="application/json")


async def _health(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _body(request: Request) -> bytes | None:
    """The request's body; None if it is too large."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY:
            return None
    return bytes(body)


def _names(names: Names, headers: Headers) -> Names:
    """The names that a request brings itself, the proxy's for the others."""
    told = {
        field: headers[_OURS + header]
        for header, field in (
            ("agent", "agent_id"),
            ("identity", "identity_id"),
            ("workload", "workload_id"),
            ("scope", "scope_id"),
            ("urgency", "urgency"),
        )
        if headers.get(_OURS + header)
    }
    return replace(names, **told) if told else names


def _forwarded(headers: Headers) -> list[tuple[bytes, bytes]]:
    """What goes on: neither what belongs to this connection, nor what was said to us."""
    listed = {name.strip().lower() for name in headers.get("connection", "").split(",")}
    return [
        (name, value)
        for name, value in headers.raw
        if (text := name.decode("latin-1").lower())
        not in _HOP | listed | {"host", "content-length"}
        and not text.startswith(_OURS)
    ]


def _response(refusal: Refusal) -> Response:
    return Response(refusal.body, refusal.status, headers=dict(refusal.headers))
