"""One GitHub account: polls ``GET /rate_limit``, which costs nothing, and reads headers."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from ratelord_core import __version__
from ratelord_core.errors import ProviderFailed
from ratelord_core.headers import RateLimit, read_x_ratelimit
from ratelord_core.model.ids import is_id
from ratelord_core.model.instant import Micros
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import Pool
from ratelord_core.outbound import Answer, Connection, on_our_clock, without
from ratelord_core.provider import PollRequest, PollResult
from ratelord_github.answers import failure_of, limits_are_off, read_limits
from ratelord_github.graphql import QUERY, limit_of, read_answer
from ratelord_github.installation import Installation
from ratelord_github.options import GithubOptions
from ratelord_github.resources import CORE, WINDOWS, pool_of, unit_of
from ratelord_github.secondary import pause_of, pause_pool, secondary_pools


class _Known(msgspec.Struct, frozen=True):
    """The last good answer, for when GitHub says that nothing changed."""

    etag: str
    token: str | None
    limits: tuple[RateLimit, ...]


class GithubProvider:
    """One account at one GitHub. Implements ``Provider``; keeps nothing across restarts, since an
    unconditional poll is free as well."""

    def __init__(self, connection: Connection, options: GithubOptions) -> None:
        self.provider_id = connection.provider_id
        self.poll_interval = options.poll_interval
        self.poll_costs = options.graphql
        self._options = options
        self._connection = connection
        self._known: _Known | None = None
        self._installation = (
            Installation(options.app_id, options.installation_id, options.url)
            if options.app_id
            else None
        )

    @property
    def clock_ahead(self) -> Micros:
        """By how much (µs) GitHub's clock is ahead of ours."""
        return self._connection.ahead

    def pools(self) -> tuple[Pool, ...]:
        """A pool for every documented resource, and for every secondary limit."""
        primary = tuple(pool_of(self.provider_id, resource) for resource in WINDOWS)
        return primary + self._secondary()

    def _secondary(self) -> tuple[Pool, ...]:
        return (*secondary_pools(self.provider_id), pause_pool(self.provider_id))

    async def poll(self, request: PollRequest) -> PollResult:
        """Ask for every resource's limit. Raises ``ProviderFailed``, and ``SettingsError`` if the
        token cannot be had."""
        del request
        token = await self._connection.credential()
        try:
            mine = await self._exchanged(token)
            dated, limits = await self._limits(mine)
            seen = [self._observe(limit, dated) for limit in limits]
            if self._options.graphql:
                seen.append(await self._ask_graphql(mine))
        except ProviderFailed as error:
            if error.kind == "unauthorized" and self._installation is not None:
                self._installation.forget()
            raise without(token, error) from None
        fresh = tuple(
            pool_of(self.provider_id, limit.resource)
            for limit in limits
            if limit.resource not in WINDOWS
        )
        # No answer tells of these; that GitHub answers at all is as fresh as the poll.
        unsaid = self._secondary() if limits else self.pools()
        seen += (
            Observation(self.provider_id, pool.pool_id, dated, limit=pool.limit) for pool in unsaid
        )
        return PollResult(dated, tuple(seen), pools=fresh)

    def read_headers(self, headers: Mapping[str, str], dated: Micros) -> tuple[Observation, ...]:
        """What ``x-ratelimit-*`` tell of the resource they name, else of ``core``.

        ``retry-after`` moves the reset of a resource of which nothing remains. Without that it
        speaks of a secondary limit: all that draws from ``secondary/pause`` waits for so long.
        """
        ahead = self._connection.ahead_in(headers, dated)
        limit = read_x_ratelimit(headers, dated + ahead)
        pause = pause_of(self.provider_id, headers, limit, dated, self._connection.now(), ahead)
        seen = () if pause is None else (pause,)
        if limit is None or not is_id(limit.resource or CORE):
            return seen
        named = msgspec.structs.replace(limit, resource=limit.resource or CORE)
        return (self._observe(named, dated, ahead), *seen)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connection.aclose()

    async def _limits(self, token: str | None) -> tuple[Micros, tuple[RateLimit, ...]]:
        """When the request was sent, and what was answered."""
        known = self._known if self._known and self._known.token == token else None
        dated = self._connection.now()
        answer = await self._ask(token, known.etag if known else "")
        if answer.status == 304 and known is not None:
            if all((limit.reset_at or 0) > self._connection.theirs() for limit in known.limits):
                return dated, known.limits  # unchanged is as good as said again
            dated = self._connection.now()
            answer = await self._ask(token, "")
        return dated, self._read(answer, token)

    async def _exchanged(self, secret: str | None) -> str | None:
        """The token to poll with: the secret itself, or what an App's key is exchanged for."""
        if self._installation is None or not secret:
            return secret
        return await self._installation.token(secret, self._connection, self._headers())

    def _read(self, answer: Answer, token: str | None) -> tuple[RateLimit, ...]:
        if limits_are_off(answer.status, answer.body):
            return ()
        self._must_be(200, answer)
        limits = read_limits(answer.body, self._connection.theirs())
        etag = answer.headers.get("etag", "")
        self._known = _Known(etag, token, limits) if etag else None
        return limits

    async def _ask(self, token: str | None, etag: str) -> Answer:
        headers = self._headers(token)
        if etag:
            headers["if-none-match"] = etag
        return await self._connection.get(f"{self._options.url}/rate_limit", headers)

    async def _ask_graphql(self, token: str | None) -> Observation:
        """The GraphQL limit by GraphQL's own account, which costs a point."""
        dated = self._connection.now()
        answer = await self._connection.post(
            self._options.graphql_url, self._headers(token), {"query": QUERY}
        )
        self._must_be(200, answer)
        return self._observe(limit_of(read_answer(answer.body)), dated)

    def _must_be(self, status: int, answer: Answer) -> None:
        if answer.status != status:
            now = self._connection.theirs()
            raise failure_of(answer.status, answer.headers, answer.body, now)

    def _headers(self, token: str | None = None) -> dict[str, str]:
        told = {"authorization": f"Bearer {token}"} if token else {}
        return {
            "accept": "application/vnd.github+json",
            "x-github-api-version": self._options.api_version,
            "user-agent": f"ratelord/{__version__}",
            **told,
        }

    def _observe(self, limit: RateLimit, dated: Micros, ahead: Micros | None = None) -> Observation:
        """A limit on our clock. Once its reset has passed, use and rest are those of a window that
        is over, and are left unsaid."""
        ours = on_our_clock(limit, self._connection.ahead if ahead is None else ahead)
        over = ours.reset_at is not None and ours.reset_at <= dated
        return Observation(
            self.provider_id,
            limit.resource,
            dated,
            limit=limit.limit,
            used=None if over else limit.used,
            remaining=None if over else limit.remaining,
            reset_at=None if over else ours.reset_at,
            window_every=WINDOWS.get(limit.resource),
            unit=unit_of(limit.resource),
        )
