"""Builds provider accounts from the configuration and from registered identities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from ratelord_core.clock import Clock
from ratelord_core.errors import Finding, PolicyError, SettingsError
from ratelord_core.model.config import Document, ProviderConfig
from ratelord_core.model.identity import Identity
from ratelord_core.model.ids import split_pool_key
from ratelord_core.model.pool import Pool
from ratelord_core.policy.lint.places import Places
from ratelord_core.policy.section_division import NO_SHARES, no_shares
from ratelord_core.provider import Describing, Provider, ProviderFactory
from ratelord_core.secrets import Secrets
from ratelord_core.watch import Account


class Accounts:
    """The kinds of providers that plugins offer, and the accounts made of them."""

    def __init__(self, factories: Mapping[str, ProviderFactory], clock: Clock) -> None:
        self._factories = factories
        self._clock = clock
        self.secrets = Secrets()

    @property
    def kinds(self) -> Mapping[str, ProviderFactory]:
        """By the names that a policy file's ``providers`` may use."""
        return self._factories

    def check(self, document: Document, text: str | bytes = "") -> None:
        """Raises ``PolicyError`` with every provider whose options its plugin refuses, and all
        shares of pools whose windows have none; ``text`` is what the document was read from."""
        findings, providers = [], dict[str, Provider]()
        for config in document.providers:
            try:
                providers[config.id] = self._build(config, config.secret_ref)
            except SettingsError as error:
                findings.append(_placed(config, str(error), text))
        findings += _undivided(document, providers, text)
        if findings:
            raise PolicyError(document.source, findings)

    def declared(self, config: ProviderConfig, identities: Iterable[Identity]) -> Account:
        """The account that the configuration declares."""
        mine = next((one for one in identities if one.identity_id == config.identity), None)
        reference = config.secret_ref or (mine.secret_ref if mine else None)
        return Account(
            self._build(config, reference),
            plugin=config.plugin,
            version=self._factories[config.plugin].version,
            identity_id=config.identity,
            conceal=self.secrets.conceal,
        )

    def registered(self, config: ProviderConfig, identity: Identity) -> Account:
        """The account of an identity that was registered with a secret of its own."""
        return Account(
            self._build(config, identity.secret_ref),
            plugin=config.plugin,
            version=self._factories[config.plugin].version,
            identity_id=identity.identity_id,
            extra=True,
            conceal=self.secrets.conceal,
        )

    def _build(self, config: ProviderConfig, reference: str | None) -> Provider:
        return self._factories[config.plugin].build(
            config, self.secrets.resolver(reference), self._clock
        )


def wants_account(config: ProviderConfig, identity: Identity) -> bool:
    """Whether a registered identity is polled on its own."""
    return (
        identity.provider_id == config.id
        and identity.secret_ref is not None
        and identity.identity_id != config.identity
        and identity.status == "active"
    )


def pools_of(account: Account, declared_identity: str | None) -> tuple[Pool, ...]:
    """An account's pools with their members: the identity that it belongs to, or everybody."""
    return with_members(account.pools(), declared_identity)


def with_members(pools: tuple[Pool, ...], declared_identity: str | None) -> tuple[Pool, ...]:
    """The pools, those of nobody in particular as the declared identity's, if there is one."""
    if declared_identity is None:
        return pools
    return tuple(
        pool if pool.members else replace(pool, members=(declared_identity,)) for pool in pools
    )


def _undivided(
    document: Document, providers: Mapping[str, Provider], text: str | bytes
) -> Iterator[Finding]:
    """Shares of a provider's pool that has no such window: nobody else knows which it has."""
    places = Places(text) if text else None
    for one in document.overrides:
        provider_id, pool_id = split_pool_key(one.key)
        provider = providers.get(provider_id)
        if not one.shares or one.window is not None or provider is None:
            continue
        pool = next((pool for pool in provider.pools() if pool.pool_id == pool_id), None)
        if pool is None and isinstance(provider, Describing):
            pool = provider.describe(pool_id)
        message = "" if pool is None else no_shares(pool.window.kind)
        if message and places is None:
            yield Finding(f"pool {one.key}: {message}", path=f"pools.{one.key}", hint=NO_SHARES)
        elif message and places is not None:
            path = ("pools", places.index("pools", one.key), "shares")
            yield places.finding(f"pool {one.key}: {message}", *path, hint=NO_SHARES)


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
