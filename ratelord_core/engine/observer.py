"""Takes in what providers say, in polls or in passing: reconcile, note drift, learn of pools."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from ratelord_core.engine.scribe import Scribe
from ratelord_core.engine.state import State
from ratelord_core.errors import InvalidRequest, NotFound, ProviderFailed
from ratelord_core.events.payloads import (
    ConstraintObserved,
    DriftDetected,
    ProviderError,
    ProviderPollObserved,
    ProviderStateChanged,
    UsageObserved,
)
from ratelord_core.ledger import Reconciled
from ratelord_core.model.config import PoolOverride
from ratelord_core.model.ids import pool_key
from ratelord_core.model.instant import Micros
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import Pool
from ratelord_core.model.window import Window
from ratelord_core.provider import PollRequest, PollResult

_MEASURED = ("fixed", "sliding", "bucket")
"""Windows whose length providers tell."""


class Observer:
    """The way from observations into the ledger."""

    def __init__(self, state: State, scribe: Scribe) -> None:
        self.state = state
        self.scribe = scribe
        self.overrides: dict[str, PoolOverride] = {}
        """What the configuration pins, by pool key: it beats what providers report."""
        self.members: dict[str, tuple[str, ...]] = {}
        """Members of pools that an account reports, by account id."""

    def poll_request(self, account_id: str, now: Micros) -> PollRequest:
        """What an account's poll may use."""
        prefix = f"{account_id}/"
        provider_id = account_id.partition("/")[0]
        settled = {
            key[len(provider_id) + 1 :]: account.settled_total
            for key, account in self.state.ledger.accounts.items()
            if key.startswith(prefix)
        }
        return PollRequest(self.state.providers.get(account_id).memory, settled)

    def declare(self, pools: Iterable[Pool], now: Micros) -> None:
        """Learn of pools before anything is known of their use."""
        for pool in pools:
            self._learn(pin(pool, self.overrides), now)

    def polled(
        self,
        account_id: str,
        plugin: str,
        version: str,
        result: PollResult,
        next_poll: Micros,
        now: Micros,
    ) -> None:
        """A poll succeeded."""
        self.scribe.turn(now)
        self.declare(result.pools, now)
        observations = self._vetted(result.observations, account_id, now)
        event = ProviderPollObserved(
            provider_id=account_id,
            plugin=plugin,
            plugin_version=version,
            dated=result.dated,
            observations=observations,
            state=result.state,
            next_poll=next_poll,
        )
        found = self.scribe.write(now, event)
        self._learn_limits(observations, now)
        self._note_drift(found, now)

    def failed(
        self,
        account_id: str,
        plugin: str,
        version: str,
        error: ProviderFailed,
        failures: int,
        next_poll: Micros,
        now: Micros,
    ) -> None:
        """A poll failed."""
        self.scribe.turn(now)
        event = ProviderError(
            provider_id=account_id,
            plugin=plugin,
            plugin_version=version,
            kind=error.kind,
            detail=error.detail,
            failures=failures,
            next_poll=next_poll,
        )
        self.scribe.write(now, event)

    def turned(self, account_id: str, before: str, after: str, reason: str, now: Micros) -> None:
        """A provider account's health changed."""
        event = ProviderStateChanged(
            provider_id=account_id, before=before, after=after, reason=reason
        )
        self.scribe.write(now, event)

    def in_passing(
        self, observations: Sequence[Observation], now: Micros, origin: str, door: str
    ) -> tuple[str, ...]:
        """Numbers seen in passing; the keys of the pools they are about. ``NotFound`` for a pool
        of a provider that is not configured, ``InvalidRequest`` for a cap of our own: nobody but
        the ledger knows what was used of it."""
        self.scribe.turn(now)
        for seen in observations:
            self._must_be_known(seen)
        kept = self._vetted(observations, None, now)
        for seen in kept:
            found = self.scribe.write(
                now, UsageObserved(observation=seen, origin=origin), door=door
            )
            self._learn_limits((seen,), now)
            self._note_drift(found, now)
        return tuple(pool_key(seen.provider_id, seen.pool_id) for seen in kept)

    def know(self, observations: Iterable[Observation]) -> None:
        """Raises ``NotFound`` for a pool that nobody has declared or reported yet: agents may say
        what they saw of a pool, but not invent one."""
        for seen in observations:
            key = pool_key(seen.provider_id, seen.pool_id)
            if key not in self.state.ledger.accounts:
                raise NotFound(
                    f"no pool {key!r}; an agent may only speak of pools that are known",
                    code="unknown_pool",
                )

    def _must_be_known(self, seen: Observation) -> None:
        key = pool_key(seen.provider_id, seen.pool_id)
        account = self.state.ledger.accounts.get(key)
        if account is not None and account.pool.local:
            raise InvalidRequest(
                f"pool {key} is a local cap, which only approved intents use up; observe a "
                "provider's pool, or change the cap in the policy file",
                code="local_pool",
            )
        if seen.provider_id in self.state.topology.providers:
            return
        known = ", ".join(sorted(self.state.topology.providers)) or "none"
        raise NotFound(
            f"provider {seen.provider_id} is not configured (configured: {known}); "
            "add it to the policy file's providers",
            code="unknown_provider",
        )

    def _vetted(
        self, observations: Iterable[Observation], account_id: str | None, now: Micros
    ) -> tuple[Observation, ...]:
        """Observations of declared pools (declaring those seen for the first time), without the
        fields that the configuration pins, and dated now at the latest."""
        kept = []
        for seen in observations:
            key = pool_key(seen.provider_id, seen.pool_id)
            if key not in self.state.ledger.accounts:
                self._learn(self._first_seen(seen, account_id), now)
            pinned = self._pinned(seen, key, now)
            kept.append(replace(pinned, dated=min(seen.dated, now)))
        return tuple(kept)

    def _pinned(self, seen: Observation, key: str, now: Micros) -> Observation:
        override = self.overrides.get(key)
        if override is None:
            return seen
        used = self.state.ledger.account(key, now).figures(now).used
        return _as_pinned(seen, override, used)

    def _first_seen(self, seen: Observation, account_id: str | None) -> Pool:
        pool = Pool(
            seen.provider_id,
            seen.pool_id,
            unit=seen.unit or "requests",
            limit=seen.limit,
            window=Window("fixed", every=seen.window_every),
            members=self.members.get(account_id or seen.provider_id, ()),
            default=False,
        )
        return pin(pool, self.overrides)

    def repin(self, now: Micros) -> None:
        """The configuration may say something else of the providers' pools than before."""
        for account in list(self.state.ledger.accounts.values()):
            known = account.pool
            if known.local or known.provider_id not in self.state.topology.providers:
                continue
            plain = replace(known, limit=account.limit, reserve=None, shares=())
            pinned = pin(plain, self.overrides)
            if replace(pinned, limit=known.limit) != known or pinned.limit != account.limit:
                self._learn(pinned, now)

    def _learn(self, pool: Pool, now: Micros) -> None:
        known = self.state.ledger.accounts.get(pool.key)
        if known is None or known.pool != pool:
            self.scribe.write(now, ConstraintObserved(pool=pool))

    def _learn_limits(self, observations: Iterable[Observation], now: Micros) -> None:
        """A limit, unit or window length that a provider changed is a constraint observed anew."""
        for seen in observations:
            account = self.state.ledger.accounts[pool_key(seen.provider_id, seen.pool_id)]
            known = account.pool
            window = known.window
            if seen.window_every and window.kind in _MEASURED:
                window = replace(window, every=seen.window_every)
            unit = seen.unit or known.unit
            self._learn(replace(known, limit=account.limit, unit=unit, window=window), now)

    def _note_drift(self, found: list[tuple[str, Reconciled]], now: Micros) -> None:
        for key, result in found:
            limit = self.state.ledger.accounts[key].limit or 0
            tolerated = self.state.settings.drift_percent * limit / 100
            if result.observed is None or result.drift <= tolerated or result.drift == 0:
                continue
            event = DriftDetected(
                pool=key,
                expected_low=result.low,
                expected_high=result.high,
                observed=result.observed,
                distance=result.drift,
            )
            self.scribe.write(now, event)


def pin(pool: Pool, overrides: Mapping[str, PoolOverride]) -> Pool:
    """The pool as the configuration wants it, where it says so."""
    override = overrides.get(pool.key)
    if override is None:
        return pool
    return replace(
        pool,
        unit=override.unit or pool.unit,
        limit=pool.limit if override.limit is None else override.limit,
        window=override.window or pool.window,
        reserve=override.reserve,
        shares=override.shares,
    )


def _as_pinned(seen: Observation, override: PoolOverride, used: int) -> Observation:
    """The observation without what the configuration pins."""
    if override.unit is not None:
        seen = replace(seen, unit=None)
    if override.window is not None:
        seen = replace(seen, window_every=None)
    if override.limit is None:
        return seen
    return replace(
        seen, limit=override.limit, used=_used_of(seen, override.limit, used), remaining=None
    )


def _used_of(seen: Observation, limit: int, used: int) -> int | None:
    """What was used, whatever limit the provider counts against; None if it cannot be known. What
    remains of an unknown limit only tells that at least the rest of ours is gone."""
    if seen.used is not None or seen.remaining is None:
        return seen.used
    if seen.limit is not None:
        return max(0, seen.limit - seen.remaining)
    least = limit - seen.remaining
    return least if least > used else None
