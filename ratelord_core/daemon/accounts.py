"""Builds provider accounts from the configuration and from registered identities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from ratelord_core.clock import Clock
from ratelord_core.model.config import ProviderConfig
from ratelord_core.model.identity import Identity
from ratelord_core.model.pool import Pool
from ratelord_core.provider import Provider, ProviderFactory
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
