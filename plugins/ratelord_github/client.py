"""One bounded GET: redirects only to the same server, a deadline for all of it, no huge bodies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import anyio
import httpx2
import msgspec

from ratelord_core.errors import ProviderFailed

MAX_BODY: Final = 1_048_576
"""Bytes; the real answer has some two thousand."""
MAX_REDIRECTS: Final = 3


class Answer(msgspec.Struct, frozen=True):
    """A response, header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Client:
    """Fetches from one server; ``timeout`` in seconds, for connecting, redirects and body
    together. Connections are kept between calls."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._http: httpx2.AsyncClient | None = None

    async def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """The response, whatever its status. Raises ``ProviderFailed``: timeout, unreachable, or
        malformed for a redirect elsewhere and a body that does not end."""
        try:
            with anyio.fail_after(self._timeout):
                return await self._follow(httpx2.URL(url), headers)
        except (TimeoutError, httpx2.TimeoutException):
            raise ProviderFailed("timeout", f"{_host(url)} did not answer in time") from None
        except httpx2.LocalProtocolError:
            raise ProviderFailed(
                "settings", "the token cannot be sent; store only the token"
            ) from None
        except httpx2.DecodingError:
            raise ProviderFailed("malformed", "the answer's encoding is broken") from None
        except httpx2.RequestError as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ProviderFailed("unreachable", f"{_host(url)}: {reason}") from None

    async def aclose(self) -> None:
        """Close the connections."""
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    async def _follow(self, url: httpx2.URL, headers: Mapping[str, str]) -> Answer:
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._fetch(url, headers)
            if answer.status not in {301, 302, 303, 307, 308}:
                return answer
            target = _join(url, answer.headers.get("location", ""))
            if target is None or _origin(target) != _origin(url):
                raise ProviderFailed(
                    "malformed",
                    f"{_host(str(url))} redirects elsewhere; the token stays here: check the URL",
                )
            url = target
        raise ProviderFailed("malformed", f"more than {MAX_REDIRECTS} redirects; check the URL")

    async def _fetch(self, url: httpx2.URL, headers: Mapping[str, str]) -> Answer:
        if self._http is None:
            self._http = httpx2.AsyncClient(timeout=self._timeout, follow_redirects=False)
        async with self._http.stream("GET", url, headers=dict(headers)) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_BODY:
                    raise ProviderFailed("malformed", f"the answer is over {MAX_BODY} bytes")
            told = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status_code, told, bytes(body))


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
