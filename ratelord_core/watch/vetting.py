"""Check what a provider plugin hands over before anybody believes it: plugins are strangers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ratelord_core.errors import PluginError, ProviderFailed
from ratelord_core.headers import LATEST
from ratelord_core.model.ids import is_id
from ratelord_core.model.instant import Micros, to_text
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import MAX_UNITS, Pool
from ratelord_core.provider import PollResult

MAX_STATE: Final = 65_536
"""Characters of a provider's state: every poll writes it into the log."""
MAX_OBSERVATIONS: Final = 1000
"""Pools that one poll may speak of."""


def vet_dates(result: PollResult, now: Micros) -> PollResult:
    """A date in the future would make every later observation look old."""
    if max([result.dated, *(seen.dated for seen in result.observations)]) > now:
        raise ProviderFailed("plugin", f"poll is dated after its end, {to_text(now)}")
    return result


def vet_result(result: object, provider_id: str) -> PollResult:
    """The result, if it keeps the contract; else ``ProviderFailed`` of kind ``plugin`` that says
    what is wrong."""
    if not isinstance(result, PollResult):
        raise _broken(f"poll gave {type(result).__name__}, not a PollResult")
    if not _is_instant(result.dated):
        raise _broken(f"poll is dated {result.dated!r}, which is no instant in µs")
    if not isinstance(result.state, str) or len(result.state) > MAX_STATE:
        raise _broken(f"state is no text of at most {MAX_STATE} characters")
    if any(0xD800 <= ord(character) <= 0xDFFF for character in result.state):
        raise _broken("state cannot be written as UTF-8")
    if result.next_poll is not None and not _is_instant(result.next_poll):
        raise _broken(f"next_poll is {result.next_poll!r}, which is no span in µs")
    vet_observations(result.observations, provider_id)
    vet_pools(result.pools, provider_id)
    return result


def vet_secrecy(result: PollResult, conceal: Callable[[str], str]) -> None:
    """Every poll is written into the log, which must not hold the credential."""
    named = [seen.pool_id for seen in result.observations]
    named += [f"{pool.pool_id} {pool.unit}" for pool in result.pools]
    told = "\n".join([result.state, *named])
    if conceal(told) != told:
        raise _broken("the answer holds the credential")


def vet_interval(interval: object, provider_id: str) -> Micros:
    """The interval, if it is a positive span; else ``PluginError``."""
    if type(interval) is not int or not 0 < interval <= LATEST:
        raise PluginError(
            f"provider {provider_id}: poll_interval is {interval!r}, no positive span in µs; "
            "set poll_interval in the configuration, or report it to the plugin's author"
        )
    return interval


def vet_observations(observations: object, provider_id: str) -> tuple[Observation, ...]:
    """The observations, if each is about a pool of this provider and in whole, possible units."""
    if not isinstance(observations, tuple) or len(observations) > MAX_OBSERVATIONS:
        raise _broken(f"observations are no tuple of at most {MAX_OBSERVATIONS}")
    for seen in observations:
        if not isinstance(seen, Observation):
            raise _broken(f"an observation is {type(seen).__name__}")
        _check_name(seen.provider_id, seen.pool_id, provider_id)
        for amount in (seen.limit, seen.used, seen.remaining):
            if amount is not None and not _is_count(amount):
                raise _broken(f"pool {seen.pool_id}: {amount!r} is no amount of whole units")
        for instant in (seen.dated, seen.reset_at, seen.window_every):
            if instant is not None and not _is_instant(instant):
                raise _broken(f"pool {seen.pool_id}: {instant!r} is no time in µs")
    return observations


def vet_pools(pools: object, provider_id: str) -> tuple[Pool, ...]:
    """The pools, if each belongs to this provider, has a usable name and a possible limit."""
    if not isinstance(pools, tuple) or len(pools) > MAX_OBSERVATIONS:
        raise _broken(f"pools are no tuple of at most {MAX_OBSERVATIONS}")
    for pool in pools:
        if not isinstance(pool, Pool):
            raise _broken(f"a pool is {type(pool).__name__}")
        _check_name(pool.provider_id, pool.pool_id, provider_id)
        if pool.local:
            raise _broken(f"pool {pool.pool_id} is local; a provider's pools are not")
        if pool.limit is not None and not _is_count(pool.limit):
            raise _broken(f"pool {pool.pool_id}: limit {pool.limit!r} is no amount of whole units")
        if pool.hold_for is not None and not (_is_instant(pool.hold_for) and pool.hold_for):
            raise _broken(f"pool {pool.pool_id}: hold_for {pool.hold_for!r} is no span in µs")
        if not isinstance(pool.models, tuple) or not all(map(_is_text, pool.models)):
            raise _broken(f"pool {pool.pool_id}: models {pool.models!r} are no tuple of names")
    return pools


def _check_name(named: object, pool_id: object, provider_id: str) -> None:
    if named != provider_id:
        raise _broken(f"speaks of provider {named!r} instead of its own {provider_id!r}")
    if not isinstance(pool_id, str) or not is_id(pool_id):
        raise _broken(f"pool id {str(pool_id)[:80]!r} is no id")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= MAX_UNITS


def _is_instant(value: object) -> bool:
    return type(value) is int and 0 <= value <= LATEST


def _broken(what: str) -> ProviderFailed:
    return ProviderFailed("plugin", f"{what}; report it to the plugin's author")
