"""What a daemon must be told before a scenario can be played against it: a policy file."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from ratelord_core.errors import RatelordError
from ratelord_core.model.config import Document, ProviderConfig, Settings
from ratelord_core.model.ids import split_pool_key
from ratelord_core.model.instant import Micros
from ratelord_core.model.pool import Pool
from ratelord_core.model.window import Window
from ratelord_core.parts import Parts
from ratelord_core.policy.written import as_written, span_text
from ratelord_sim.scenario.model import PoolTerms, Scenario
from ratelord_sim.scenario.world import world_pools, world_providers

_SELDOM: Micros = 24 * 3600 * 1_000_000
"""The mock provider polls itself; what it counts is told by whoever plays the scenario."""
_LEAST: Micros = 1000


def briefing(scenario: Scenario, parts: Parts, speed: float) -> dict[str, Any]:
    """The scenario's policy with its providers as mock ones, every span divided by ``speed``.
    Raises ``RatelordError`` for calendars that would have to go faster than life."""
    pools = world_pools(scenario, parts)
    document = scenario.document
    providers = tuple(
        _account(terms.id, terms.identity, pools, speed) for terms in world_providers(scenario)
    )
    made: Document = replace(
        document,
        providers=providers,
        pools=tuple(_pool(pool, speed) for pool in document.pools),
        overrides=tuple(
            one if one.window is None else replace(one, window=_faster(one.window, one.key, speed))
            for one in document.overrides
        ),
        policies=tuple(
            one
            if one.limit_window is None
            else replace(one, limit_window=_faster(one.limit_window, one.id, speed))
            for one in document.policies
        ),
        settings=_settings(document.settings, speed),
    )
    return as_written(made)


def _account(
    provider_id: str, identity: str | None, pools: list[PoolTerms], speed: float
) -> ProviderConfig:
    told = {
        split_pool_key(pool.id)[1]: _told(pool, speed)
        for pool in pools
        if split_pool_key(pool.id)[0] == provider_id
    }
    return ProviderConfig("mock", provider_id, identity, _SELDOM, options={"pools": told})


def _told(pool: PoolTerms, speed: float) -> dict[str, Any]:
    window = _faster(pool.window, pool.id, speed)
    plain: dict[str, Any] = {"kind": window.kind}
    if window.every is not None:
        plain["every"] = span_text(window.every)
    if window.kind == "calendar":
        plain |= {"every": window.unit, "timezone": window.timezone}
    if window.burst is not None:
        plain["burst"] = window.burst
    made: dict[str, Any] = {"window": plain, "unit": pool.unit, "default": pool.default}
    return made if pool.limit is None else {"limit": pool.limit, **made}


def _pool(pool: Pool, speed: float) -> Pool:
    return replace(pool, window=_faster(pool.window, pool.key, speed))


def _faster(window: Window, whose: str, speed: float) -> Window:
    if window.kind == "calendar" and speed != 1:
        raise RatelordError(
            f"{whose} follows a calendar, which cannot pass {speed:g} times as fast; use --speed 1"
        )
    every = None if window.every is None else faster(window.every, speed)
    return replace(window, every=every, anchor=None if every else window.anchor)


def faster(span: Micros, speed: float) -> Micros:
    """A span of the scenario in µs of life."""
    return max(_LEAST, round(span / speed))


def _settings(settings: Settings, speed: float) -> Settings:
    return replace(
        settings,
        default_max_wait=faster(settings.default_max_wait, speed),
        hold_ttl=faster(settings.hold_ttl, speed),
        concurrency_ttl=faster(settings.concurrency_ttl, speed),
    )
