"""Pools, their forecasts, and who used what of them."""

from __future__ import annotations

from ratelord_core.arbiter import Arbiter
from ratelord_core.http.exchange import Answer, Exchange, json_reply
from ratelord_core.http.paging import read_window
from ratelord_core.http.query import Query
from ratelord_core.model.ids import pool_key
from ratelord_core.model.views import ForecastView, PoolView, UsageView


class Pools:
    """What HTTP shows of pools."""

    def __init__(self, arbiter: Arbiter) -> None:
        self._arbiter = arbiter

    async def list(self, exchange: Exchange) -> Answer:
        """``GET /v1/pools``: all of them, by key."""
        query = Query(exchange)
        window = read_window(query)
        query.finish()
        return json_reply(window.cut(self._arbiter.pools(), _pool_key))

    async def show(self, exchange: Exchange) -> Answer:
        """``GET /v1/pools/{provider_id}/{pool_id}``: one; a pool id may hold slashes."""
        key = pool_key(exchange.params["provider_id"], exchange.params["pool_id"])
        return json_reply(self._arbiter.pool(key))

    async def forecasts(self, exchange: Exchange) -> Answer:
        """``GET /v1/forecasts``: of all pools, or of ``pool``."""
        query = Query(exchange)
        window, pool = read_window(query), query.text("pool")
        query.finish()
        return json_reply(window.cut(self._arbiter.forecasts(pool), _pool_key))

    async def usage(self, exchange: Exchange) -> Answer:
        """``GET /v1/usage``: who used what in the present windows."""
        query = Query(exchange)
        window = read_window(query)
        rows = self._arbiter.usage(
            pool=query.text("pool"),
            agent_id=query.text("agent_id"),
            identity_id=query.text("identity_id"),
            scope_id=query.text("scope_id"),
        )
        query.finish()
        return json_reply(window.cut(rows, _usage_key))


def _pool_key(view: PoolView | ForecastView) -> str:
    return pool_key(view.provider_id, view.pool_id)


def _usage_key(view: UsageView) -> str:
    pool = pool_key(view.provider_id, view.pool_id)
    return "\n".join((pool, view.agent_id, view.identity_id, view.scope_id))
