"""One credential at one provider: what the watcher polls, with the names its pools have here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from ratelord_core.errors import ProviderFailed
from ratelord_core.headers import speaks_of_limits
from ratelord_core.model.ids import is_id, pool_key
from ratelord_core.model.instant import Micros
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import Pool
from ratelord_core.provider import (
    Comparing,
    Costly,
    Describing,
    Passive,
    PollRequest,
    PollResult,
    Provider,
)
from ratelord_core.watch.vetting import (
    vet_interval,
    vet_observations,
    vet_pools,
    vet_result,
    vet_secrecy,
)


class Account:
    """A provider under one identity's credential.

    The account of the identity that the configuration declares (or of nobody) keeps the provider's
    own pool ids. Any other identity's account is ``extra``: its pools are ``<identity_id>/<pool>``
    of the same provider, so that two identities share nothing. ``account_id`` (the provider id, or
    ``provider_id/identity_id``) is the common beginning of its pools' keys.
    ``conceal`` blots out credentials in what the log would keep.
    ``poll_interval`` (µs) is the rhythm while all is well; data older than three of them is stale.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        plugin: str,
        version: str,
        identity_id: str | None = None,
        extra: bool = False,
        conceal: Callable[[str], str] = str,
    ) -> None:
        if extra and identity_id is None:
            raise ValueError(f"an extra account at {provider.provider_id} needs its identity's id")
        self.provider = provider
        self._conceal = conceal
        self.plugin = plugin
        self.version = version
        self.identity_id = identity_id
        self.poll_interval: Micros = vet_interval(provider.poll_interval, provider.provider_id)
        self.provider_id = provider.provider_id
        self.passive = isinstance(provider, Passive) and provider.passive is True
        self.costly = isinstance(provider, Costly) and provider.poll_costs is not False
        self.headers_ignored = 0
        """Responses whose headers spoke of limits, but told none: malformed, or unknown here."""
        self._prefix = f"{identity_id}/" if extra else ""
        self.account_id = (
            pool_key(self.provider_id, str(identity_id)) if extra else self.provider_id
        )

    @property
    def clock_ahead(self) -> Micros | None:
        """By how much (µs) the provider's clock is ahead of ours; None if nobody compares them."""
        found = self.provider.clock_ahead if isinstance(self.provider, Comparing) else None
        return found if type(found) is int else None

    def pools(self) -> tuple[Pool, ...]:
        """The provider's pools by the names they have here; an extra account's have its identity as
        their only member."""
        return self._rename_pools(vet_pools(self.provider.pools(), self.provider_id))

    async def poll(self, request: PollRequest) -> PollResult:
        """Poll the provider, in its own pool ids, and give the answer in ours. Raises whatever the
        provider raises; an answer that breaks the contract is ``ProviderFailed``."""
        settled = {pool.removeprefix(self._prefix): n for pool, n in request.settled.items()}
        try:
            answer = await self.provider.poll(PollRequest(request.state, settled))
        except ProviderFailed as error:
            detail = self._conceal(error.detail)
            raise ProviderFailed(error.kind, detail, error.retry_after) from None
        result = vet_result(answer, self.provider_id)
        vet_secrecy(result, self._conceal)
        return msgspec.structs.replace(
            result,
            observations=self._rename(result.observations),
            pools=self._rename_pools(result.pools),
        )

    def read_headers(self, headers: Mapping[str, str], dated: Micros) -> tuple[Observation, ...]:
        """What a response's headers tell, in our pool ids. A plugin that breaks the contract is
        ``ProviderFailed``, one that raises anything else raises it here."""
        found = vet_observations(self.provider.read_headers(headers, dated), self.provider_id)
        self.headers_ignored += not found and speaks_of_limits(headers)
        return self._rename(found)

    def describe(self, pool_id: str) -> Pool | None:
        """The shape of a pool (by our id) that turned up in passing, if the provider knows it. A
        plugin that breaks the contract is ``ProviderFailed``."""
        if not isinstance(self.provider, Describing):
            return None
        pool = self.provider.describe(pool_id.removeprefix(self._prefix))
        if pool is None:
            return None
        return self._rename_pools(vet_pools((pool,), self.provider_id))[0]

    def _rename(self, observations: tuple[Observation, ...]) -> tuple[Observation, ...]:
        if not self._prefix:
            return observations
        return tuple(
            msgspec.structs.replace(seen, pool_id=self._prefix + seen.pool_id)
            for seen in observations
            if is_id(self._prefix + seen.pool_id)
        )

    def _rename_pools(self, pools: tuple[Pool, ...]) -> tuple[Pool, ...]:
        if not self._prefix or self.identity_id is None:
            return pools
        mine = (self.identity_id,)
        return tuple(
            msgspec.structs.replace(pool, pool_id=self._prefix + pool.pool_id, members=mine)
            for pool in pools
            if is_id(self._prefix + pool.pool_id)
        )
