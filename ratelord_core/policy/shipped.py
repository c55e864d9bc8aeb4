"""Workloads that provider plugins bring along, for accounts that ask for them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol, runtime_checkable

from ratelord_core.errors import SettingsError
from ratelord_core.model.config import ProviderConfig, WorkloadConfig


@runtime_checkable
class Shipping(Protocol):
    """A kind of provider that knows what common calls take, and what does the same otherwise."""

    def workloads(self, config: ProviderConfig) -> Mapping[str, WorkloadConfig]:
        """Workloads by name, as the policy file's section has them; none unless the account's
        options ask for them. Raises ``SettingsError`` for options that cannot be used."""
        ...


def shipped_workloads(
    accounts: Iterable[ProviderConfig], plugins: Collection[str]
) -> dict[str, WorkloadConfig]:
    """What the accounts' plugins bring along; nothing where ``plugins`` are only names. Options
    that a plugin refuses are a finding of whoever builds the account."""
    found: dict[str, WorkloadConfig] = {}
    if not isinstance(plugins, Mapping):
        return found
    for account in accounts:
        plugin = plugins.get(account.plugin)
        if isinstance(plugin, Shipping):
            try:
                found |= plugin.workloads(account)
            except SettingsError:
                continue
    return found
