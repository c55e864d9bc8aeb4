"""What providers say: polls that succeeded or failed, health, numbers seen in passing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ratelord_core.engine import steering
from ratelord_core.engine.folds.pools import declare, declare_forecast
from ratelord_core.events.payloads import (
    ConstraintObserved,
    ProviderError,
    ProviderPollObserved,
    ProviderStateChanged,
    UsageObserved,
)
from ratelord_core.ledger import Reconciled
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.ids import pool_key
from ratelord_core.model.instant import Micros
from ratelord_core.model.observation import Observation

if TYPE_CHECKING:
    from ratelord_core.engine.state import State

Found = list[tuple[str, Reconciled]]
"""What an observation changed, by pool."""


def polled(state: State, at: Micros, _who: Dimensions, _id: str, e: ProviderPollObserved) -> Found:
    """A poll succeeded; what it changed."""
    state.providers.polled(e, at)
    return [_observe(state, seen, at) for seen in e.observations]


def poll_failed(state: State, _at: Micros, _who: Dimensions, _id: str, e: ProviderError) -> None:
    """A poll failed."""
    state.providers.failed(e)


def turned(state: State, _at: Micros, _who: Dimensions, _id: str, e: ProviderStateChanged) -> None:
    """A provider account's health changed."""
    state.providers.turned(e)


def usage_observed(state: State, at: Micros, _who: Dimensions, _id: str, e: UsageObserved) -> Found:
    """Numbers seen in passing; what they changed."""
    return [_observe(state, e.observation, at)]


def constraint_observed(
    state: State, at: Micros, _who: Dimensions, _id: str, e: ConstraintObserved
) -> None:
    """A pool appeared, or has another shape."""
    declare(state, e.pool, at)
    state.divisions.of_pools(account.pool for account in state.ledger.accounts.values())
    state.graph.put_pool(e.pool)
    state.shape += 1


def _observe(state: State, seen: Observation, at: Micros) -> tuple[str, Reconciled]:
    key = pool_key(seen.provider_id, seen.pool_id)
    result = state.ledger.observe(seen, at)
    if state.pacing.active:
        steering.counted(state, key, seen.dated, result, at)
    if result.surplus:
        state.book.observe(key, at, result.surplus)
    if result.changed:
        declare_forecast(state, key, at)
    return key, result


FOLDS: dict[type, Any] = {
    ProviderPollObserved: polled,
    ProviderError: poll_failed,
    ProviderStateChanged: turned,
    UsageObserved: usage_observed,
    ConstraintObserved: constraint_observed,
}
