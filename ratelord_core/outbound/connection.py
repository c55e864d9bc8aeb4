"""One account's way to its provider: its credential, bounded calls, how the clocks differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import anyio.to_thread

from ratelord_core.clock import Clock
from ratelord_core.model.instant import Micros, to_seconds
from ratelord_core.outbound.client import Answer, Client
from ratelord_core.outbound.skew import ahead_by


class Connection:
    """What every account that is polled over HTTP needs. ``timeout`` (µs) bounds a call;
    ``ahead`` (µs) is by how much the provider's clock was ahead of ours at the last answer."""

    def __init__(
        self, provider_id: str, secret: Callable[[], str | None], clock: Clock, timeout: Micros
    ) -> None:
        self.provider_id = provider_id
        self.ahead: Micros = 0
        self._secret = secret
        self._clock = clock
        self._client = Client(to_seconds(timeout))

    def now(self) -> Micros:
        """The instant, on our clock."""
        return self._clock.now()

    def theirs(self) -> Micros:
        """The instant on the provider's clock, as far as its answers told."""
        return self._clock.now() + self.ahead

    async def credential(self) -> str | None:
        """The secret, fetched anew: one that was rotated is found without a restart. Raises
        ``SettingsError`` if it cannot be had."""
        return await anyio.to_thread.run_sync(self._secret, abandon_on_cancel=True)

    async def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """As ``Client.get``, and compares the clocks."""
        sent = self.now()
        return self._compared(await self._client.get(url, headers), sent)

    async def post(self, url: str, headers: Mapping[str, str], content: object) -> Answer:
        """As ``Client.post``, and compares the clocks."""
        sent = self.now()
        return self._compared(await self._client.post(url, headers, content), sent)

    def ahead_in(self, headers: Mapping[str, str], dated: Micros) -> Micros:
        """By how much the provider's clock was ahead, by the headers of an answer that somebody
        else got after ``dated``. Nothing is remembered of it."""
        return ahead_by(headers, self.ahead, dated, self.now())

    async def aclose(self) -> None:
        """Close the connections; a second call does nothing."""
        await self._client.aclose()

    def _compared(self, answer: Answer, sent: Micros) -> Answer:
        self.ahead = ahead_by(answer.headers, self.ahead, sent, self.now())
        return answer
