"""One key at OpenRouter, polled for what it may still spend."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ratelord_core.clock import Clock
from ratelord_core.errors import ProviderFailed
from ratelord_core.model.config import ProviderConfig
from ratelord_core.model.instant import MINUTE, SECOND, Micros
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import MONEY, Pool
from ratelord_core.outbound import Connection, failure_of, read_address, without
from ratelord_core.provider import PollRequest, PollResult, check_options
from ratelord_openrouter.key import POOL, Key, micro, pool_of, read_key

PUBLIC: Final = "https://openrouter.ai/api/v1"
TIMEOUT: Final[Micros] = 10 * SECOND


def read_url(config: ProviderConfig) -> str:
    """Where the API is; another address is for tests and for gateways."""
    check_options(config, ("base_url",))
    return read_address(config, "base_url", config.options.get("base_url", PUBLIC), PUBLIC)


class OpenRouterProvider:
    """Implements ``ratelord_core.provider.Provider``."""

    def __init__(
        self, config: ProviderConfig, url: str, secret: Callable[[], str | None], clock: Clock
    ) -> None:
        self.provider_id = config.id
        self.poll_interval: Micros = config.poll_interval or MINUTE
        self._url = url
        self._connection = Connection(config.id, secret, clock, TIMEOUT)

    def pools(self) -> tuple[Pool, ...]:
        """None: how the credit comes back is known from the first poll on."""
        return ()

    async def poll(self, request: PollRequest) -> PollResult:
        """Ask what the key may still spend. Raises ``ProviderFailed``. The connection bounds the
        time and the size of an answer, and sends the key to no other host."""
        secret = await self._connection.credential()
        if not secret:
            raise ProviderFailed("settings", "there is no key; set secret_ref, or its variable")
        dated = self._connection.now()
        headers = {"authorization": f"Bearer {secret}"}
        try:
            answer = await self._connection.get(f"{self._url}/key", headers)
            if answer.status != 200:
                raise failure_of("OpenRouter", answer, "", self._connection.theirs())
            key = read_key(answer.body)
        except ProviderFailed as error:
            raise without(secret, error) from None
        return PollResult(dated, self._seen(key, dated), pools=(pool_of(self.provider_id, key),))

    def read_headers(self, headers: Mapping[str, str], dated: Micros) -> tuple[Observation, ...]:
        """Nothing: the headers of responses count requests to free models, not credit."""
        return ()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connection.aclose()

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
