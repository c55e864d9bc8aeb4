"""Pools, their forecasts, and who used what of them."""

from __future__ import annotations

from ratelord_core.arbiter import Arbiter
from ratelord_core.http.exchange import Answer, Exchange, json_reply
from ratelord_core.http.paging import read_window
from ratelord_core.http.parameters import AGENT, IDENTITY, POOL, SCOPE, Choice
from ratelord_core.http.query import Query
from ratelord_core.model.ids import pool_key
from ratelord_core.model.share_query import PARTS, ShareQuery
from ratelord_core.model.views import ForecastView, PoolView, UsageView

_WHOLE = "pool"
BY = Choice("by", "the forecasts of a pool, or of its largest shares", options=(_WHOLE, *PARTS))


class Pools:
    """What HTTP shows of pools."""

    def __init__(self, arbiter: Arbiter) -> None:
        self._arbiter = arbiter

    async def list(self, exchange: Exchange) -> Answer:
        """Every pool, by key.

        What it allows, what is used and held of it, when it resets, how likely it is to run dry,
        and who draws from it.
        """
        query = Query(exchange)
        window = read_window(query)
        query.finish()
        return json_reply(window.cut(self._arbiter.pools(), _pool_key))

    async def show(self, exchange: Exchange) -> Answer:
        """One pool, by the id of its provider and its own.

        A pool id may hold slashes, encoded or not.
        """
        key = pool_key(exchange.params["provider_id"], exchange.params["pool_id"])
        return json_reply(self._arbiter.pool(key))

    async def forecasts(self, exchange: Exchange) -> Answer:
        """Forecasts of all pools, or of one.

        With an agent, an identity or a scope: of what is left to them. With `by`: of the ten
        largest shares of a pool.
        """
        query = Query(exchange)
        window, pool = read_window(query), POOL.read(query)
        names = (AGENT.read(query), IDENTITY.read(query), SCOPE.read(query))
        by = BY.read(query)
        share = ShareQuery(*names, None if by == _WHOLE else by)
        query.finish()
        return json_reply(window.cut(self._arbiter.forecasts(pool, share), _forecast_key))

    async def usage(self, exchange: Exchange) -> Answer:
        """Who used what in the present windows, by agent, identity and scope."""
        query = Query(exchange)
        window = read_window(query)
        rows = self._arbiter.usage(
            pool=POOL.read(query),
            agent_id=AGENT.read(query),
            identity_id=IDENTITY.read(query),
            scope_id=SCOPE.read(query),
        )
        query.finish()
        return json_reply(window.cut(rows, _usage_key))


def _pool_key(view: PoolView | ForecastView) -> str:
    return pool_key(view.provider_id, view.pool_id)


def _forecast_key(view: ForecastView) -> str:
    share = view.share
    names = () if share is None else (share.agent_id, share.identity_id, share.scope_id)
    return "\n".join((_pool_key(view), *(name or "" for name in names)))


def _usage_key(view: UsageView) -> str:
    pool = pool_key(view.provider_id, view.pool_id)
    return "\n".join((pool, view.agent_id, view.identity_id, view.scope_id))
