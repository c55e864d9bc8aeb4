"""One account: reads the headers of responses in passing, and of its own probe if it has one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from ratelord_core.clock import Clock
from ratelord_core.errors import ProviderFailed
from ratelord_core.headers import MODEL, RateLimit
from ratelord_core.model.config import ProviderConfig
from ratelord_core.model.ids import is_id
from ratelord_core.model.instant import DAY, MINUTE, Micros
from ratelord_core.model.model_names import without_edition
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import Pool
from ratelord_core.model.window import Window
from ratelord_core.outbound import Connection, failure_of, on_our_clock, without
from ratelord_core.provider import PollRequest, PollResult, Provider
from ratelord_headers.options import HeadersOptions, read_options

DEFAULT: Final = "default"
"""The pool of a limit that bears no name."""
_MINUTE_LIKE: Final = frozenset({"requests", "tokens", "input_tokens", "output_tokens"})


class HeadersProvider:
    """One account. Implements ``Provider``, ``Passive`` and ``Describing``."""

    def __init__(self, connection: Connection, options: HeadersOptions) -> None:
        self.provider_id = connection.provider_id
        self.poll_interval = options.poll_interval
        self.passive = not options.probe
        self.poll_costs = bool(options.probe)  # it may be counted like any other call
        self._options = options
        self._connection = connection

    @property
    def clock_ahead(self) -> Micros:
        """By how much (µs) the provider's clock is ahead of ours."""
        return self._connection.ahead

    def pools(self) -> tuple[Pool, ...]:
        """The configured pools; any other appears when a response first tells of it."""
        return self._options.pools

    def describe(self, pool_id: str) -> Pool | None:
        """A pool that turned up in passing. Those of a model refill continuously, as such limits
        do; of any other nothing is known but what the response said."""
        name, _, kind = pool_id.rpartition("/")
        if not (self._options.per_model and name):
            return Pool(self.provider_id, pool_id, window=Window("fixed"))
        window = Window("bucket", every=MINUTE) if kind in _MINUTE_LIKE else Window("fixed")
        unit = "requests" if kind in {"requests", DEFAULT} else "tokens"
        return Pool(self.provider_id, pool_id, unit=unit, window=window, models=(name,))

    async def poll(self, request: PollRequest) -> PollResult:
        """Ask the probe's address, if there is one. Raises ``ProviderFailed``, and
        ``SettingsError`` if the credential cannot be had."""
        del request
        if not self._options.probe:
            return PollResult(self._connection.now(), next_poll=DAY)
        secret = await self._connection.credential()
        dated = self._connection.now()
        try:
            answer = await self._connection.get(self._options.probe, self._credential(secret))
            if not 200 <= answer.status < 300:
                raise failure_of(self.provider_id, answer, "", self._connection.theirs())
            seen = self.read_headers(answer.headers, dated)
        except ProviderFailed as error:
            raise without(secret, error) from None
        if not seen:
            raise ProviderFailed("malformed", "the probe's answer tells no limit; check dialect")
        known = {pool.pool_id for pool in self.pools()}
        fresh = (self.describe(one.pool_id) for one in seen if one.pool_id not in known)
        return PollResult(dated, seen, pools=tuple(pool for pool in fresh if pool))

    def _credential(self, secret: str | None) -> dict[str, str]:
        if not secret:
            return {}
        scheme = self._options.scheme
        return {self._options.header: f"{scheme} {secret}" if scheme else secret}

    def read_headers(self, headers: Mapping[str, str], dated: Micros) -> tuple[Observation, ...]:
        """What the headers tell in the account's dialect, each limit of the pool that bears its
        name."""
        model = headers.get(MODEL, "").strip()
        if self._options.per_model and not model:
            return ()
        start = f"{without_edition(model)}/" if self._options.per_model else ""
        ahead = self._connection.ahead_in(headers, dated)
        limits = self._options.read(headers, dated + ahead).limits
        told = tuple(on_our_clock(limit, ahead) for limit in limits)
        return tuple(self._observations(start, told, dated))

    def _observations(
        self, start: str, limits: tuple[RateLimit, ...], dated: Micros
    ) -> Iterator[Observation]:
        for limit in limits:
            pool_id = start + (limit.resource or DEFAULT)
            if not is_id(pool_id):
                continue
            over = limit.reset_at is not None and limit.reset_at <= dated
            yield Observation(
                self.provider_id,
                pool_id,
                dated,
                limit=limit.limit,
                used=None if over else limit.used,
                remaining=None if over else limit.remaining,
                reset_at=None if over else limit.reset_at,
                window_every=limit.every,
                unit=limit.unit,
            )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connection.aclose()


def build(config: ProviderConfig, secret: Callable[[], str | None], clock: Clock) -> Provider:
    """An account. Raises ``SettingsError`` that names the option and its value."""
    options = read_options(config)
    return HeadersProvider(Connection(config.id, secret, clock, options.timeout), options)
