"""What there is on the stage: every provider and pool, told by the topology or by the policy."""

from __future__ import annotations

from ratelord_core.model.config import ProviderConfig
from ratelord_core.model.ids import split_pool_key
from ratelord_core.model.instant import MINUTE
from ratelord_core.model.pool import Pool
from ratelord_core.model.window import Window
from ratelord_core.parts import Parts
from ratelord_sim.scenario.model import PoolTerms, ProviderTerms, Scenario
from ratelord_sim.scenario.policy import DEFAULT_PROVIDER

_DEFAULT = PoolTerms(f"{DEFAULT_PROVIDER}/default", 1000, Window(kind="fixed", every=MINUTE))


def provider_ids(scenario: Scenario) -> list[str]:
    """The ids of all providers."""
    return [config.id for config in scenario.document.providers]


def world_providers(scenario: Scenario) -> list[ProviderTerms]:
    """Every provider's behaviour."""
    told = {terms.id: terms for terms in scenario.topology.providers}
    return [_terms(config, told.get(config.id)) for config in scenario.document.providers]


def _terms(config: ProviderConfig, told: ProviderTerms | None) -> ProviderTerms:
    if told is not None:
        return told
    interval = config.poll_interval or ProviderTerms(config.id).poll_interval
    return ProviderTerms(config.id, identity=config.identity, poll_interval=interval)


def world_pools(scenario: Scenario, parts: Parts) -> list[PoolTerms]:
    """Every pool that a provider keeps. What the topology says of one beats what the policy's
    provider plugin knows of it."""
    told = {pool.id: pool for pool in scenario.topology.pools}
    for config in scenario.document.providers:
        for pool in parts.declared(config):
            if pool.limit is not None or pool.window.kind == "unbounded":
                told.setdefault(pool.key, _of_plugin(pool))
        if config.id == DEFAULT_PROVIDER and not any(_is_of(config.id, key) for key in told):
            told[_DEFAULT.id] = _DEFAULT
    return list(told.values())


def _is_of(provider_id: str, key: str) -> bool:
    return split_pool_key(key)[0] == provider_id


def _of_plugin(pool: Pool) -> PoolTerms:
    return PoolTerms(pool.key, pool.limit, pool.window, pool.unit, default=pool.default)
