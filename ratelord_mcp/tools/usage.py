"""``check_usage``: how the pools stand, and who used what."""

from __future__ import annotations

from typing import Final

import msgspec

from ratelord_core.agent_tools import AgentTool, ToolCall
from ratelord_core.model.ids import pool_key
from ratelord_core.model.share_query import ShareQuery
from ratelord_core.model.views import ForecastView, PoolView, UsageView
from ratelord_core.wire.faults import Faults, check_id, refuse
from ratelord_mcp.identity import identity_of

MOST: Final = 50
"""Pools in one answer."""


class UsageArguments(msgspec.Struct, frozen=True):
    """Which part to look at; nothing narrows nothing."""

    pool: str | None = None
    agent_id: str | None = None
    identity_id: str | None = None
    scope_id: str | None = None


class PoolState(msgspec.Struct, frozen=True):
    """A pool as it stands; ``used``, ``held`` and the forecast are of those who were asked about:
    a share is exhausted when it has used up what it may have, or others have."""

    pool: str
    unit: str
    limit: int | None
    available: int
    used: int
    held: int
    reset_at: str | None
    risk_level: str
    p_exhaustion: float
    tte_p90_seconds: float | None


class Usage(msgspec.Struct, frozen=True):
    """What was found; ``more`` pools did not fit into the answer."""

    pools: list[PoolState]
    more: int
    alerts: list[str] = []


async def run(call: ToolCall) -> Usage:
    """Look."""
    asked: UsageArguments = call.arguments
    faults: Faults = []
    for name in ("pool", "agent_id", "identity_id", "scope_id"):
        check_id(faults, name, getattr(asked, name))
    refuse(faults)
    identity_id = identity_of(call.caller, asked.identity_id)
    rows = await call.look(
        lambda: call.arbiter.usage(
            pool=asked.pool,
            agent_id=asked.agent_id,
            identity_id=identity_id,
            scope_id=asked.scope_id,
        )
    )
    views = await call.look(lambda: _views(call, asked.pool))
    narrow = any((asked.agent_id, identity_id, asked.scope_id))
    mine = _sums(rows)
    shown = [view for view in views if may_see(call, view)]
    if narrow and asked.pool is None:
        shown = [view for view in shown if _key(view) in mine] or shown
    share = ShareQuery(asked.agent_id, identity_id, asked.scope_id)
    ahead = {} if not narrow else await call.look(lambda: _forecasts(call, asked.pool, share))
    states = [
        _state(view, mine.get(_key(view), (0, 0)) if narrow else None, ahead.get(_key(view)))
        for view in shown
    ]
    return Usage(states[:MOST], max(0, len(states) - MOST))


def may_see(call: ToolCall, view: PoolView) -> bool:
    """An agent's token sees the pools that its identity may draw from."""
    caller = call.caller
    return caller.role != "agent" or not view.members or caller.identity_id in view.members


def _views(call: ToolCall, pool: str | None) -> list[PoolView]:
    return call.arbiter.pools() if pool is None else [call.arbiter.pool(pool)]


def _forecasts(call: ToolCall, pool: str | None, share: ShareQuery) -> dict[str, ForecastView]:
    return {_key(view): view for view in call.arbiter.forecasts(pool, share)}


def _sums(rows: list[UsageView]) -> dict[str, tuple[int, int]]:
    sums: dict[str, tuple[int, int]] = {}
    for row in rows:
        key = pool_key(row.provider_id, row.pool_id)
        used, held = sums.get(key, (0, 0))
        sums[key] = (used + row.used, held + row.held)
    return sums


def _key(view: PoolView | ForecastView) -> str:
    return pool_key(view.provider_id, view.pool_id)


def _state(view: PoolView, mine: tuple[int, int] | None, share: ForecastView | None) -> PoolState:
    used, held = (view.used, view.held) if mine is None else mine
    forecast = share or view.forecast
    return PoolState(
        _key(view),
        view.unit,
        view.limit,
        view.available,
        used,
        held,
        view.reset_at,
        view.risk_level if share is None else share.risk_level,
        0.0 if forecast is None else forecast.p_exhaustion,
        None if forecast is None else forecast.tte_p90_seconds,
    )


CHECK_USAGE: Final = AgentTool(
    name="check_usage",
    description=("How much is left in each pool or in one, when it resets, and who used it."),
    takes=UsageArguments,
    gives=Usage,
    run=run,
    hints={"pool": "provider/pool"},
)
