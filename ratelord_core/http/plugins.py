"""The plugins of this daemon, and the knobs of those that simulate."""

from __future__ import annotations

import msgspec

from ratelord_core.arbiter import Arbiter
from ratelord_core.errors import FieldError
from ratelord_core.http.body import read_body
from ratelord_core.http.exchange import Answer, Exchange, json_reply
from ratelord_core.http.paging import read_window
from ratelord_core.http.query import Query
from ratelord_core.http.settings import HttpSettings
from ratelord_core.http.wire import Codec
from ratelord_core.wire.faults import Faults, check_id, check_provider, check_whole, refuse
from ratelord_core.wire.fields import Id, ProviderId, Whole


class InjectRequest(msgspec.Struct, frozen=True):
    """What a simulated provider is to report of a pool."""

    provider_id: ProviderId
    pool_id: Id
    usage: Whole | None = None
    limit: Whole | None = None


class InjectedView(msgspec.Struct, frozen=True):
    """The pool that a simulated provider will report otherwise."""

    provider_id: str
    pool_id: str


class Plugins:
    """What HTTP shows of plugins."""

    def __init__(self, arbiter: Arbiter, settings: HttpSettings) -> None:
        self._arbiter = arbiter
        self._limit = settings.body_limit
        self._inject = Codec(InjectRequest)

    async def list(self, exchange: Exchange) -> Answer:
        """The plugins of this daemon, with the hooks that each implements."""
        query = Query(exchange)
        window = read_window(query)
        query.finish()
        return json_reply(window.cut(self._arbiter.plugins(), lambda plugin: plugin.name))

    async def inject(self, exchange: Exchange) -> Answer:
        """What a simulated provider reports from its next poll on.

        Only with `RATELORD_DEBUG=1`.
        """
        body = await read_body(exchange, self._limit)
        asked, exchange.warning = self._inject.decode(body)
        refuse(_faults(asked))
        usage = None if asked.usage is None else int(asked.usage)
        limit = None if asked.limit is None else int(asked.limit)
        self._arbiter.inject(asked.provider_id, asked.pool_id, usage, limit, exchange.caller)
        return json_reply(InjectedView(asked.provider_id, asked.pool_id))


def _faults(asked: InjectRequest) -> Faults:
    faults: Faults = []
    check_provider(faults, "provider_id", asked.provider_id)
    check_id(faults, "pool_id", asked.pool_id)
    check_whole(faults, "usage", asked.usage)
    check_whole(faults, "limit", asked.limit)
    if asked.usage is None and asked.limit is None:
        faults.append(FieldError("usage", "nothing to inject: send usage, limit or both"))
    return faults
