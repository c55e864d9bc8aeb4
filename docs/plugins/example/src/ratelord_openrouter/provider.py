"""One key at OpenRouter, polled for what it may still spend."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

import anyio.to_thread
import httpx2

from ratelord_core.clock import Clock
from ratelord_core.errors import ProviderFailed
from ratelord_core.model.config import ProviderConfig
from ratelord_core.model.instant import MINUTE, Micros
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import MONEY, Pool
from ratelord_core.provider import PollRequest, PollResult, bad_option, check_options
from ratelord_openrouter.key import POOL, Key, micro, pool_of, read_key

PUBLIC: Final = "https://openrouter.ai/api/v1"
MOST_BYTES: Final = 65_536
TIMEOUT_SECONDS: Final = 10.0
_KINDS: Final = {401: "unauthorized", 403: "forbidden"}


def read_url(config: ProviderConfig) -> str:
    """Where the API is; another address is for tests and for gateways."""
    check_options(config, ("base_url",))
    url = str(config.options.get("base_url", PUBLIC)).rstrip("/")
    parts = urlsplit(url)
    loopback = parts.hostname in {"127.0.0.1", "localhost"}
    if not parts.hostname or (parts.scheme != "https" and not loopback):
        raise bad_option(config, "base_url", url, "give an https address: the key travels there")
    return url


class OpenRouterProvider:
    """Implements ``ratelord_core.provider.Provider``."""

    def __init__(
        self, config: ProviderConfig, url: str, secret: Callable[[], str | None], clock: Clock
    ) -> None:
        self.provider_id = config.id
        self.poll_interval: Micros = config.poll_interval or MINUTE
        self._url = url
        self._secret = secret
        self._clock = clock
        self._http: httpx2.AsyncClient | None = None

    def pools(self) -> tuple[Pool, ...]:
        """None: how the credit comes back is known from the first poll on."""
        return ()

    async def poll(self, request: PollRequest) -> PollResult:
        """Ask what the key may still spend. Raises ``ProviderFailed``."""
        secret = await anyio.to_thread.run_sync(self._secret, abandon_on_cancel=True)
        if not secret:
            raise ProviderFailed("settings", "there is no key; set secret_ref, or its variable")
        dated = self._clock.now()
        try:
            key = read_key(await self._fetch(secret))
        except httpx2.TimeoutException:
            raise ProviderFailed("timeout", f"no answer within {TIMEOUT_SECONDS:g} s") from None
        except httpx2.LocalProtocolError:
            raise ProviderFailed("settings", "the key cannot be sent; store only the key") from None
        except httpx2.RequestError as error:
            raise ProviderFailed("unreachable", type(error).__name__) from None
        return PollResult(dated, self._seen(key, dated), pools=(pool_of(self.provider_id, key),))

    def read_headers(self, headers: Mapping[str, str], dated: Micros) -> tuple[Observation, ...]:
        """Nothing: the headers of responses count requests to free models, not credit."""
        return ()

    async def aclose(self) -> None:
        """Close the connections."""
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    def _seen(self, key: Key, dated: Micros) -> tuple[Observation, ...]:
        if key.limit is None or key.limit_remaining is None:
            return ()
        left = max(0, micro(key.limit_remaining, up=False))
        limit = micro(key.limit, up=False)
        seen = Observation(
            self.provider_id,
            POOL,
            dated,
            limit=limit,
            used=max(0, limit - left),
            remaining=min(left, limit),
            unit=MONEY,
        )
        return (seen,)

    async def _fetch(self, secret: str) -> bytes:
        """The body of a good answer. Redirects are not followed: the key stays with this host."""
        if self._http is None:
            self._http = httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False)
        headers = {"authorization": f"Bearer {secret}"}
        body = bytearray()
        async with self._http.stream("GET", f"{self._url}/key", headers=headers) as response:
            _check(response.status_code, response.headers)
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise ProviderFailed("malformed", f"the answer is over {MOST_BYTES} bytes")
        return bytes(body)


def _check(status: int, headers: Mapping[str, str]) -> None:
    if status in _KINDS:
        raise ProviderFailed(_KINDS[status], f"the key was refused with {status}; check secret_ref")
    if status == 429:
        later = headers.get("retry-after", "")
        wait = float(later) if later.isdecimal() and len(later) < 7 else None
        raise ProviderFailed("rate_limited", "polled too often; raise poll_interval", wait)
    if status != 200:
        kind = "server_error" if status >= 500 else "malformed"
        raise ProviderFailed(kind, f"status {status} instead of a key")
