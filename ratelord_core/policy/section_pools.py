"""The sections ``providers`` and ``pools``: who sells capacity, and our own caps on it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

import yaml

from ratelord_core.model.config import PoolOverride, ProviderConfig
from ratelord_core.model.ids import split_pool_key
from ratelord_core.model.pool import Pool
from ratelord_core.model.window import Window
from ratelord_core.policy.fields import Fields, entries, items, tree
from ratelord_core.policy.reading import Reading, nearest
from ratelord_core.policy.section_division import (
    check_division,
    check_shares,
    per,
    reserve,
    shares,
)
from ratelord_core.policy.values import flag, long_span, name, names, text, whole
from ratelord_core.policy.windows import window

OWN = ("local", "policy")
"""Provider ids of pools that are ours: without a slash in their id, and limits of policies."""

_SECRETS = frozenset(
    {"token", "api_key", "apikey", "access_token", "secret", "client_secret", "password"}
    | {"private_key", "bearer_token", "authorization"}
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET = re.compile(r"(env|file|keyring):.+")


def read_providers(node: yaml.Node, reading: Reading) -> tuple[ProviderConfig, ...]:
    """Every account of every plugin, in file order."""
    found: dict[str, ProviderConfig] = {}
    for plugin, (key, accounts) in entries(node, "providers", reading).items():
        path = f"providers.{plugin}"
        if plugin not in reading.plugins:
            message = f"no provider plugin is called {plugin!r}"
            reading.found(key, path, message, nearest(plugin, reading.plugins))
        for item, where in items(accounts, path, reading):
            account = _account(plugin, Fields(item, where, reading))
            if account is None:
                continue
            if account.id in found:
                reading.found(item, where, f"provider id {account.id!r} stands twice")
            found.setdefault(account.id, account)
    return tuple(found.values())


def _account(plugin: str, fields: Fields) -> ProviderConfig | None:
    provider_id = fields.need(_provider_id, "id")
    account = ProviderConfig(
        plugin=plugin,
        id=provider_id or "",
        identity=fields.maybe(name, "identity"),
        poll_interval=fields.maybe(long_span, "poll_interval"),
        secret_ref=secret_ref(fields),
        options=_options(fields),
    )
    return account if provider_id else None


def _options(fields: Fields) -> dict[str, Any]:
    given = fields.rest()
    for key in _SECRETS & given.keys():
        # The value is not repeated: it is the secret.
        message = f"{key!r} looks like a secret; secrets do not belong into this file"
        hint = "name the environment variable that holds it: token_env_var"
        fields.reading.found(given[key], fields.path_of(key), message, hint)
    return {key: tree(value, fields.path_of(key), fields.reading) for key, value in given.items()}


def _provider_id(node: yaml.Node, path: str, reading: Reading) -> str | None:
    value = name(node, path, reading)
    if value is not None and ("/" in value or value in OWN):
        why = "contains a slash" if "/" in value else "is the name of our own pools"
        reading.found(node, path, f"provider id {value!r} {why}; choose another")
        return None
    return value


def secret_ref(fields: Fields) -> str | None:
    """Where a credential lies, as ``secret_ref`` or as the name of an environment variable."""
    reference = fields.maybe(_secret_ref, "secret_ref")
    variable = fields.maybe(_variable, "token_env_var", "api_key_env_var")
    if reference and variable:
        message = "'secret_ref' and 'token_env_var' say the same; keep one"
        fields.reading.found(fields.node, fields.path, message)
    return reference or (f"env:{variable}" if variable else None)


def _secret_ref(node: yaml.Node, path: str, reading: Reading) -> str | None:
    value = text(node, path, reading)
    if value is None or _SECRET.fullmatch(value):
        return value
    # The value may be the secret itself, pasted by mistake: it is not repeated.
    hint = "write env:NAME, file:PATH or keyring:SERVICE/NAME, never the secret"
    reading.found(node, path, "does not say where a secret lies", hint)
    return None


def _variable(node: yaml.Node, path: str, reading: Reading) -> str | None:
    value = text(node, path, reading)
    if value is None or _VARIABLE.fullmatch(value):
        return value
    hint = "write the variable's name, never the secret"
    reading.found(node, path, "is not the name of an environment variable", hint)
    return None


def read_pools(
    node: yaml.Node, providers: Collection[str], units: Mapping[str, str], reading: Reading
) -> tuple[tuple[Pool, ...], tuple[PoolOverride, ...]]:
    """Our own caps, and what is said about the pools of configured providers."""
    pools: dict[str, Pool] = {}
    overrides: dict[str, PoolOverride] = {}
    for item, path in items(node, "pools", reading):
        fields = Fields(item, path, reading)
        key = fields.need(name, "id")
        if key is None:
            fields.rest()
            continue
        if "/" not in key:
            key = f"{OWN[0]}/{key}"
        if key in pools or key in overrides:
            reading.found(item, path, f"pool {key!r} stands twice")
            fields.rest()
        elif split_pool_key(key)[0] in providers:
            overrides[key] = _override(key, fields)
        else:
            pools[key] = _pool(key, units, fields)
        fields.close()
    return tuple(pools.values()), tuple(overrides.values())


def _override(key: str, fields: Fields) -> PoolOverride:
    made, divided = fields.maybe(window, "window"), fields.maybe(shares, "shares") or ()
    check_shares(fields, None if made is None else made.kind, divided)
    return PoolOverride(
        key=key,
        unit=fields.maybe(text, "unit"),
        limit=fields.maybe(whole, "limit"),
        window=made,
        reserve=fields.maybe(reserve, "reserve"),
        shares=divided,
    )


def _pool(key: str, units: Mapping[str, str], fields: Fields) -> Pool:
    provider_id, pool_id = split_pool_key(key)
    if provider_id == OWN[1]:
        message = f"pool {key!r} would be the limit of a policy; choose another id"
        fields.reading.found(fields.node, fields.path, message)
    made = fields.maybe(window, "window")
    limit = fields.maybe(whole, "limit")
    unbounded = made is not None and made.kind == "unbounded"
    if fields.at("limit") is None and not unbounded and fields.at("window") is not None:
        message = "'limit' is missing"
        fields.reading.found(fields.node, fields.path, message, "or say window: unbounded")
    if fields.at("limit") is not None and fields.at("window") is None:
        fields.reading.found(
            fields.node, fields.path, "'window' is missing: a limit needs to say when it refills"
        )
    counted_per, divided = fields.get(per, "", "per"), fields.maybe(shares, "shares") or ()
    check_division(fields, counted_per, made, divided)
    unit = fields.get(text, units.get(provider_id, "requests"), "unit")
    return Pool(
        provider_id,
        pool_id,
        unit,
        limit,
        made or Window(kind="unbounded"),
        local=True,
        members=fields.maybe(names, "members") or (),
        shared_by=fields.maybe(names, "shared_by") or ("*",),
        default=fields.get(flag, True, "default"),
        per=counted_per,
        reserve=fields.maybe(reserve, "reserve"),
        shares=divided,
    )
