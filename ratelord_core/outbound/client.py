"""One bounded call: redirects only to the same server, a deadline for all of it, no huge bodies."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Final

import anyio
import httpx2
import msgspec

from ratelord_core.errors import ProviderFailed

MAX_BODY: Final = 1_048_576
"""Bytes, decoded or not; real answers have some thousand."""
MAX_REDIRECTS: Final = 3
_GZIP_OR_ZLIB: Final = zlib.MAX_WBITS | 32


class Answer(msgspec.Struct, frozen=True):
    """A response, header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Client:
    """Calls one server; ``timeout`` in seconds, for connecting, redirects and body together.
    Connections are kept between calls."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._http: httpx2.AsyncClient | None = None

    async def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """The response, whatever its status. Raises ``ProviderFailed``: timeout, unreachable, or
        malformed for a redirect elsewhere and a body that does not end."""
        return await self._ask("GET", url, headers, None)

    async def post(self, url: str, headers: Mapping[str, str], content: object) -> Answer:
        """The response to this content, sent as JSON; raises as ``get`` does. A redirect is none of
        the answers: content goes to where it was meant to go only."""
        told = {"content-type": "application/json", **headers}
        return await self._ask("POST", url, told, msgspec.json.encode(content))

    async def _ask(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None
    ) -> Answer:
        try:
            with anyio.fail_after(self._timeout):
                return await self._follow(method, httpx2.URL(url), headers, content)
        except (TimeoutError, httpx2.TimeoutException):
            raise ProviderFailed("timeout", f"{_host(url)} did not answer in time") from None
        except httpx2.LocalProtocolError:
            raise ProviderFailed(
                "settings", "the token cannot be sent; store only the token"
            ) from None
        except httpx2.RequestError as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ProviderFailed("unreachable", f"{_host(url)}: {reason}") from None

    async def aclose(self) -> None:
        """Close the connections."""
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    async def _follow(
        self, method: str, url: httpx2.URL, headers: Mapping[str, str], content: bytes | None
    ) -> Answer:
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._fetch(method, url, headers, content)
            if answer.status not in {301, 302, 303, 307, 308}:
                return answer
            target = _join(url, answer.headers.get("location", ""))
            if target is None or _origin(target) != _origin(url) or content is not None:
                raise ProviderFailed(
                    "malformed",
                    f"{_host(str(url))} redirects elsewhere; the token stays here: check the URL",
                )
            url = target
        raise ProviderFailed("malformed", f"more than {MAX_REDIRECTS} redirects; check the URL")

    async def _fetch(
        self, method: str, url: httpx2.URL, headers: Mapping[str, str], content: bytes | None
    ) -> Answer:
        if self._http is None:
            self._http = httpx2.AsyncClient(timeout=self._timeout, follow_redirects=False)
        told = {"accept-encoding": "gzip", **headers}
        async with self._http.stream(method, url, headers=told, content=content) as response:
            named = {name.lower(): value for name, value in response.headers.items()}
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MAX_BODY:
                    raise _too_large()
            decoded = _decoded(bytes(body), named.get("content-encoding", "identity"))
            return Answer(response.status_code, named, decoded)


def _decoded(body: bytes, encoding: str) -> bytes:
    """The body without its encoding, however small a bomb of zeros makes itself."""
    kind = encoding.strip().lower()
    if kind in {"", "identity"} or not body:
        return body
    if kind not in {"gzip", "x-gzip", "deflate"}:
        raise ProviderFailed("malformed", f"the answer's encoding is {kind[:40]!r}, unasked for")
    unpacking = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        decoded = unpacking.decompress(body, MAX_BODY + 1)
    except zlib.error:
        raise ProviderFailed("malformed", "the answer's encoding is broken") from None
    if len(decoded) > MAX_BODY:
        raise _too_large()
    if not unpacking.eof:
        raise ProviderFailed("malformed", "the answer's encoding is broken")
    return decoded


def _too_large() -> ProviderFailed:
    return ProviderFailed("malformed", f"the answer is over {MAX_BODY} bytes")


def _join(url: httpx2.URL, location: str) -> httpx2.URL | None:
    try:
        return url.join(location) if location else None
    except httpx2.InvalidURL:
        return None


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _host(url: str) -> str:
    parsed = httpx2.URL(url)
    return parsed.host if parsed.port is None else f"{parsed.host}:{parsed.port}"
