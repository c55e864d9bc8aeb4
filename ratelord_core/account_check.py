"""What a policy says of providers, put to the providers themselves: the reader alone cannot know
which options they take, and which windows their pools have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ratelord_core.clock import SteppedClock
from ratelord_core.errors import Finding, PolicyError, SettingsError
from ratelord_core.model.config import Document, PoolOverride, ProviderConfig
from ratelord_core.model.ids import split_pool_key
from ratelord_core.policy.lint.places import Places
from ratelord_core.policy.section_division import NO_SHARES, no_shares
from ratelord_core.provider import Describing, Provider, ProviderFactory
from ratelord_core.secrets import resolver


def check_accounts(
    document: Document, text: str | bytes, factories: Mapping[str, ProviderFactory]
) -> None:
    """Raises ``PolicyError`` with every account whose options its plugin refuses, and all shares of
    pools whose windows have none. ``text`` is what the document was read from, ``factories`` are
    the kinds of providers by name. No secret is fetched and nobody is asked anything."""
    findings, providers, clock = [], dict[str, Provider](), SteppedClock()
    for config in document.providers:
        if config.plugin not in factories:
            continue
        try:
            secret = resolver(config.secret_ref)
            providers[config.id] = factories[config.plugin].build(config, secret, clock)
        except SettingsError as error:
            findings.append(_placed(config, str(error), text))
    findings += _undivided(document, providers, text)
    if findings:
        raise PolicyError(document.source, findings)


def _undivided(
    document: Document, providers: Mapping[str, Provider], text: str | bytes
) -> Iterator[Finding]:
    """Shares of a provider's pool that has no such window."""
    wrong = [(one, said) for one in document.overrides if (said := _why_not(one, providers))]
    places = Places(text) if text and wrong else None
    for one, said in wrong:
        message = f"pool {one.key}: {said}"
        if places is None:
            yield Finding(message, path=f"pools.{one.key}", hint=NO_SHARES)
        else:
            path = ("pools", places.index("pools", one.key), "shares")
            yield places.finding(message, *path, hint=NO_SHARES)


def _why_not(one: PoolOverride, providers: Mapping[str, Provider]) -> str:
    """Why a pool cannot be shared out as is said of it; "" if it can, or nobody knows."""
    provider_id, pool_id = split_pool_key(one.key)
    provider = providers.get(provider_id)
    if not one.shares or one.window is not None or provider is None:
        return ""
    pool = next((pool for pool in provider.pools() if pool.pool_id == pool_id), None)
    if pool is None and isinstance(provider, Describing):
        pool = provider.describe(pool_id)
    return "" if pool is None else no_shares(pool.window.kind)


def _placed(config: ProviderConfig, said: str, text: str | bytes) -> Finding:
    """What a plugin says of an account's options, with the place of the option that it names."""
    whose = f"provider {config.id}: "
    said = said.removeprefix(whose)
    if not text:
        return Finding(whose + said, path=f"providers.{config.plugin}.{config.id}")
    places = Places(text)
    at = places.index("providers", config.id, config.plugin)
    named = said.partition(" ")[0].split(".")
    return places.finding(whose + said, "providers", config.plugin, at, *named)
