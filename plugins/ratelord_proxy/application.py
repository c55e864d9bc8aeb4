"""Passing a request on: ask, forward, stream back, settle."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ratelord import AsyncClient
from ratelord.capturing import governing
from ratelord.capturing.conversation import Conversation, Names
from ratelord.capturing.speech import Speech
from ratelord.errors import RatelordError, RequestRefused
from ratelord_proxy.desk import Desk
from ratelord_proxy.exchange import MAX_BODY, Exchange, Gone, TooLarge
from ratelord_proxy.forwarding import inward, names_of, outward

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_PARTING: Final = 10.0
"""Seconds to deliver the last reports in."""
_TIMEOUT: Final = httpx2.Timeout(30.0, read=600.0).as_dict()
_LIMITS: Final = httpx2.Limits(
    max_connections=1000, max_keepalive_connections=100, keepalive_expiry=30.0
)
"""A connection is worth more than the five seconds that it is kept by default: most are TLS."""
_NO_COOKIES: Final = CookieJar(DefaultCookiePolicy(allowed_domains=()))
"""Cookies are the caller's: none is kept here, and so none goes to another caller."""
_NEVER_SENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_log = logging.getLogger("ratelord")


class Proxy:
    """One provider behind one address. ``application`` is ASGI."""

    def __init__(
        self, speech: Speech, names: Names, upstream: str, client: AsyncClient | None = None
    ) -> None:
        self._speech = speech
        self._names = names
        self._upstream = upstream.rstrip("/")
        self._client = client or Desk()
        self._settling: set[asyncio.Task[None]] = set()
        far = urlsplit(upstream).hostname not in LOOPBACK  # no other proxy before this machine
        self._http = httpx2.AsyncClient(
            limits=_LIMITS, trust_env=far, follow_redirects=False, cookies=_NO_COOKIES
        )
        self.application = Starlette(
            routes=[Route("/-/health", _health), Route("/{path:path}", self)]
        )

    def refusal(self, status: int, reason: str) -> bytes:
        """The body of an error of ours, in the provider's shape."""
        return msgspec.json.encode(self._speech.error(status, f"ratelord proxy: {reason}"))

    async def look_ahead(self) -> None:
        """Say at once what would refuse every call: no daemon, or none that knows the account."""
        names = self._names
        try:
            found = await self._client.propose(*names.ids, provider_id=names.provider_id)
        except RatelordError as error:
            _log.warning("ratelord proxy: calls will be refused: %s", error)
        else:
            if found.synthetic:
                _log.warning("ratelord proxy: calls are refused for now: %s", found.reason)

    async def aclose(self) -> None:
        """Deliver the last reports, and let go of the connections."""
        if self._settling:
            _, late = await asyncio.wait(self._settling, timeout=_PARTING)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._http.aclose()
        await self._client.close()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The provider's answer, or a refusal in its shape."""
        exchange = Exchange(scope, receive, send)
        try:
            await self._pass_on(exchange)
        except Gone:
            return  # nobody is there to be answered
        except TooLarge:
            await self._error(exchange, 413, f"the request is over {MAX_BODY} bytes")

    async def _pass_on(self, exchange: Exchange) -> None:
        reads = "json" in exchange.headers.get("content-type", "")
        body = await exchange.body() if reads else b""
        names = names_of(self._names, exchange.headers)
        call = Conversation(self._speech, names, exchange.method, exchange.path, body)
        if not reads and exchange.has_body:  # an upload flows through, and is watched by that
            await self._govern(exchange, call, exchange.pieces())
            return
        with exchange.watched():
            await self._govern(exchange, call, body)

    async def _govern(
        self, exchange: Exchange, call: Conversation, content: bytes | AsyncIterator[bytes]
    ) -> None:
        if call.asked is not None and await self._refused(exchange, call):
            return
        request = httpx2.Request(
            exchange.method,
            f"{self._upstream}{exchange.target}",
            headers=outward(exchange.raw, exchange.headers, sized=isinstance(content, bytes)),
            content=content or None,
            extensions={"timeout": _TIMEOUT},
        )
        try:
            answer = await self._http.send(request, stream=True)
        except _NEVER_SENT as error:
            await governing.free_async(self._client, call)
            await self._error(exchange, 502, f"the provider cannot be reached ({_said(error)})")
        except httpx2.HTTPError as error:
            self._settle_beside(call, ended=False)
            late = isinstance(error, httpx2.TimeoutException)
            await self._error(exchange, 504 if late else 502, f"no answer came ({_said(error)})")
        except BaseException:
            self._settle_beside(call, ended=False)
            raise
        else:
            await self._return(exchange, call, answer)

    async def _refused(self, exchange: Exchange, call: Conversation) -> bool:
        """Ask, and say "no" if that is the answer."""
        try:
            refused = await governing.ask_async(self._client, call, self._settling)
        except RequestRefused as error:
            asked = f"the daemon refuses a question about {self._names.provider_id!r}"
            reason = f"{asked}, which --provider-id may name otherwise: {error}"
            await self._error(exchange, 502, reason)
            return True
        except RatelordError as error:
            await self._error(exchange, 503, str(error))
            return True
        if refused is not None:
            headers = [(name.encode(), text.encode()) for name, text in refused.headers.items()]
            await exchange.answer(refused.status, headers, refused.body)
        return refused is not None

    async def _return(
        self, exchange: Exchange, call: Conversation, answer: httpx2.Response
    ) -> None:
        """The response as it comes, still encoded; settled at its end, or when nobody wants it
        more. One that breaks off is broken off."""
        call.answered(answer.status_code, answer.headers)
        ended = False
        try:
            headers = inward(answer.headers.raw, answer.headers, self._upstream)
            await exchange.begin(answer.status_code, headers)
            async for piece in answer.aiter_raw():
                call.hear(piece)
                await exchange.piece(piece)
            ended = True
        except httpx2.HTTPError as error:
            _log.warning("the provider's response broke off: %s", _said(error))
        finally:
            self._settle_beside(call, ended=ended)
            await answer.aclose()
        if ended:
            await exchange.end()

    def _settle_beside(self, call: Conversation, *, ended: bool) -> None:
        """Report without letting the caller wait for it."""
        settling = governing.settle_async(self._client, call, ended=ended)
        task = asyncio.get_running_loop().create_task(settling, name="settle")
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    async def _error(self, exchange: Exchange, status: int, reason: str) -> None:
        head = [(b"content-type", b"application/json")]
        await exchange.answer(status, head, self.refusal(status, reason))


async def _health(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


def _said(error: Exception) -> str:
    """What went wrong, in the transport's words: they hold an address at most."""
    return " ".join(str(error).split()) or type(error).__name__
