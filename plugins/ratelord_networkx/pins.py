"""Pins: an intent that names its provider or pool itself."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from itertools import chain, islice
from typing import NamedTuple

from ratelord_core.model.ids import pool_key
from ratelord_core.model.pool import Pool
from ratelord_networkx.accounts import AccountIndex, is_of_another_model, own_base


class Pin(NamedTuple):
    """Who pins what, among all the pools there are (by key)."""

    identity: str
    provider: str | None
    pool: str | None
    pools: Mapping[str, Pool]
    model: str | None = None


Provided = tuple[dict[str, float | None], tuple[str, ...]]
"""Units per call by pool key, and warnings."""

_COMPARED = 200
"""So many names are compared for a hint: a typo must not cost more in a larger graph."""


def pinned(
    accounts: AccountIndex, caps: Mapping[str, Pool], pin: Pin, consumes: Mapping[str, float]
) -> Provided:
    """The pools that a pin stands for, in place of the workload's provider pools.

    A provider alone: what the workload lists of it, else its default pools. A pool: exactly that
    one, by its id (``core``) or its key (``github-main/core``); it may be a cap that binds anyway.
    Raises ``LookupError`` with a sentence if the pin is unknown, ambiguous or not this identity's.
    """
    identity, pool = pin.identity, pin.pool
    if pool is None:
        return _of_provider(accounts, pin, pin.provider or "", consumes)
    found = dict(_candidates(accounts, caps, pin, pool))
    usable = {p.key: p for p in found.values() if p.local or accounts.may_draw(identity, p)}
    if len(usable) == 1:
        key, only = usable.popitem()
        return {key: consumes.get(key, consumes.get(own_base(only) or key))}, ()
    if usable:
        raise LookupError(
            f"pool_id {pool!r} is ambiguous: {', '.join(sorted(usable)[:5])}; "
            "name the provider_id as well"
        )
    if found:
        raise LookupError(
            f"pool {sorted(found)[0]} is drawn from by its members only, and identity {identity!r} "
            "is not one of them; ask with a member identity, or leave the pin out"
        )
    raise LookupError(_unknown_pool(accounts, caps, pin, pool))


def _candidates(
    accounts: AccountIndex, caps: Mapping[str, Pool], pin: Pin, pool: str
) -> Iterable[tuple[str, Pool]]:
    """(key as it would be listed, the pool it stands for)."""
    identity, provider = pin.identity, pin.provider
    if provider is not None:
        keys = [pool_key(provider, pool)]
        if pool.startswith(provider + "/"):
            keys.append(pool)
    else:
        keys = [pool, *(found.key for found in accounts.by_id(pool))]
        for base, own in accounts.owned(identity).items():
            if pool in {own.pool_id, base.partition("/")[2]}:
                keys.append(base)
        keys += [key for key, cap in caps.items() if cap.pool_id == pool]
    for key in keys:
        found = accounts.own(identity, key) or accounts.find(key, key.partition("/")[0])
        if found is None:
            found = caps.get(key)
        if found is not None:
            yield key, found


def _of_provider(
    accounts: AccountIndex, pin: Pin, provider: str, consumes: Mapping[str, float]
) -> Provided:
    identity = pin.identity
    if not accounts.has_provider(provider):
        known = sorted(islice(accounts.providers(), _COMPARED))
        raise LookupError(
            f"no provider is called {provider!r}; {_hint(provider, known, 'providers')}"
        )
    provided: dict[str, float | None] = {}
    for key, units in consumes.items():
        if key.partition("/")[0] == provider:
            pool = accounts.own(identity, key) or accounts.find(key, provider)
            if pool is None or is_of_another_model(pool, pin.model):
                continue
            if accounts.may_draw(identity, pool):
                provided[pool.key] = units
    if provided:
        return provided, ()
    for pool in accounts.defaults(identity, provider, pin.model):
        provided[pool.key] = None
    if provided:
        return provided, ()
    if accounts.may_use(identity, provider):
        of = f" for model {pin.model}" if pin.model and accounts.by_model else ""
        return {}, (f"provider {provider} has no default pool{of} yet; nothing is drawn from it",)
    raise LookupError(
        f"provider {provider} is used by its members only, and identity {identity!r} is not one "
        "of them; ask with a member, register this one with the provider, or leave the pin out"
    )


def _unknown_pool(accounts: AccountIndex, caps: Mapping[str, Pool], pin: Pin, pool: str) -> str:
    provider = pin.provider
    if provider is not None and not (accounts.has_provider(provider) or _owns(caps, provider)):
        known = sorted(islice(accounts.providers(), _COMPARED))
        return f"no provider is called {provider!r}; {_hint(provider, known, 'providers')}"
    key = pool if provider is None else pool_key(provider, pool)
    if key in pin.pools:
        return (
            f"pool {key} is a cap that does not bind this agent, identity, workload and scope; "
            "leave the pin out, or name one of them in the cap's shared_by"
        )
    names: list[str] = []
    for found in islice(chain(caps.values(), accounts.accessible(pin.identity)), _COMPARED):
        if provider is None:
            names += [found.pool_id, found.key]
        elif found.provider_id == provider:
            names.append(found.pool_id)
    where = "" if provider is None else f" of provider {provider}"
    return f"no pool{where} is called {pool!r}; {_hint(pool, names, 'pools')}"


def _owns(caps: Mapping[str, Pool], provider: str) -> bool:
    """Whether caps stand under this name, which the policy file gave to no provider."""
    return any(cap.provider_id == provider for cap in islice(caps.values(), _COMPARED))


def _hint(name: str, known: list[str], what: str) -> str:
    if not known:
        return f"there are no {what} that you may draw from; leave the pin out or declare one"
    near = difflib.get_close_matches(name, known, 3, 0.5)
    if near:
        return f"did you mean {' or '.join(dict.fromkeys(near))}?"
    return f"you may name one of {', '.join(list(dict.fromkeys(known))[:5])}, or leave the pin out"
