"""One GitHub account: polls ``GET /rate_limit``, which costs nothing, and reads headers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import anyio.to_thread
import msgspec

from ratelord_core import __version__
from ratelord_core.clock import Clock
from ratelord_core.errors import ProviderFailed
from ratelord_core.headers import RateLimit, parse_http_date, read_x_ratelimit
from ratelord_core.model.ids import is_id
from ratelord_core.model.instant import SECOND, Micros, to_seconds
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import Pool
from ratelord_core.outbound import Answer, Client, without
from ratelord_core.provider import PollRequest, PollResult
from ratelord_github.answers import failure_of, limits_are_off, read_limits
from ratelord_github.installation import Installation
from ratelord_github.options import GithubOptions
from ratelord_github.resources import CORE, WINDOWS, pool_of, unit_of
from ratelord_github.secondary import secondary_pools

_SKEW: Final[Micros] = 2 * SECOND
"""GitHub tells its time in whole seconds: a smaller difference of the clocks is none."""


class _Known(msgspec.Struct, frozen=True):
    """The last good answer, for when GitHub says that nothing changed."""

    etag: str
    token: str | None
    limits: tuple[RateLimit, ...]


class GithubProvider:
    """One account at one GitHub. Implements ``Provider``; keeps nothing across restarts, since an
    unconditional poll is free as well."""

    def __init__(
        self,
        provider_id: str,
        options: GithubOptions,
        secret: Callable[[], str | None],
        clock: Clock,
    ) -> None:
        self.provider_id = provider_id
        self.poll_interval = options.poll_interval
        self._options = options
        self._secret = secret
        self._clock = clock
        self._client = Client(to_seconds(options.timeout))
        self._known: _Known | None = None
        self._installation = (
            Installation(options.app_id, options.installation_id, options.url, clock)
            if options.app_id
            else None
        )
        self._ahead: Micros = 0

    def pools(self) -> tuple[Pool, ...]:
        """A pool for every documented resource, and for every secondary limit."""
        primary = tuple(pool_of(self.provider_id, resource) for resource in WINDOWS)
        return primary + secondary_pools(self.provider_id)

    async def poll(self, request: PollRequest) -> PollResult:
        """Ask for every resource's limit. Raises ``ProviderFailed``, and ``SettingsError`` if the
        token cannot be had."""
        del request
        token = await anyio.to_thread.run_sync(self._secret, abandon_on_cancel=True)
        try:
            dated, limits = await self._limits(await self._exchanged(token))
        except ProviderFailed as error:
            if error.kind == "unauthorized" and self._installation is not None:
                self._installation.forget()
            raise without(token, error) from None
        fresh = tuple(
            pool_of(self.provider_id, limit.resource)
            for limit in limits
            if limit.resource not in WINDOWS
        )
        observations = tuple(self._observe(limit, limit.resource, dated) for limit in limits)
        if limits:  # no answer tells of these; that GitHub limits at all is as fresh as the poll
            observations += tuple(
                Observation(self.provider_id, pool.pool_id, dated, limit=pool.limit)
                for pool in secondary_pools(self.provider_id)
            )
        return PollResult(dated, observations, pools=fresh)

    def read_headers(self, headers: Mapping[str, str], dated: Micros) -> tuple[Observation, ...]:
        """What ``x-ratelimit-*`` tell of the resource they name, else of ``core``.

        ``retry-after`` matters where nothing remains; without that it speaks of a secondary limit,
        which belongs to no pool.
        """
        limit = read_x_ratelimit(headers, dated + self._ahead)
        resource = limit.resource or CORE if limit else ""
        if limit is None or not is_id(resource):
            return ()
        return (self._observe(limit, resource, dated),)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _limits(self, token: str | None) -> tuple[Micros, tuple[RateLimit, ...]]:
        """When the request was sent, and what was answered."""
        known = self._known if self._known and self._known.token == token else None
        dated = self._clock.now()
        answer = await self._ask(token, known.etag if known else "")
        if answer.status == 304 and known is not None:
            if all((limit.reset_at or 0) > dated + self._ahead for limit in known.limits):
                return dated, known.limits  # unchanged is as good as said again
            dated = self._clock.now()
            answer = await self._ask(token, "")
        return dated, self._read(answer, token)

    async def _exchanged(self, secret: str | None) -> str | None:
        """The token to poll with: the secret itself, or what an App's key is exchanged for."""
        if self._installation is None or not secret:
            return secret
        now = self._clock.now() + self._ahead
        return await self._installation.token(secret, self._client, self._headers(), now)

    def _read(self, answer: Answer, token: str | None) -> tuple[RateLimit, ...]:
        if limits_are_off(answer.status, answer.body):
            return ()
        if answer.status != 200:
            now = self._clock.now() + self._ahead
            raise failure_of(answer.status, answer.headers, answer.body, now)
        limits = read_limits(answer.body)
        etag = answer.headers.get("etag", "")
        self._known = _Known(etag, token, limits) if etag else None
        return limits

    async def _ask(self, token: str | None, etag: str) -> Answer:
        headers = self._headers()
        if token:
            headers["authorization"] = f"Bearer {token}"
        if etag:
            headers["if-none-match"] = etag
        answer = await self._client.get(f"{self._options.url}/rate_limit", headers)
        self._compare_clocks(answer.headers.get("date", ""))
        return answer

    def _headers(self) -> dict[str, str]:
        return {
            "accept": "application/vnd.github+json",
            "x-github-api-version": self._options.api_version,
            "user-agent": f"ratelord/{__version__}",
        }

    def _compare_clocks(self, date: str) -> None:
        """Note by how much GitHub's clock is ahead of ours: a reset on its clock must not refill
        early, nor late, on one that was suspended or never set."""
        theirs = parse_http_date(date)
        if theirs is None:
            return
        ahead = theirs - self._clock.now()
        if abs(ahead - self._ahead) > _SKEW:
            self._ahead = ahead

    def _observe(self, limit: RateLimit, resource: str, dated: Micros) -> Observation:
        """A limit on our clock. Once its reset has passed, use and rest are those of a window that
        is over, and are left unsaid."""
        reset_at = None if limit.reset_at is None else max(0, limit.reset_at - self._ahead)
        over = reset_at is not None and reset_at <= dated
        return Observation(
            self.provider_id,
            resource,
            dated,
            limit=limit.limit,
            used=None if over else limit.used,
            remaining=None if over else limit.remaining,
            reset_at=None if over else reset_at,
            window_every=WINDOWS.get(resource),
            unit=unit_of(resource),
        )
