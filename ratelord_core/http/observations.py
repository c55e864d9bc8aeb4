"""Numbers that proxies and sidecars saw in passing."""

from __future__ import annotations

from ratelord_core.arbiter import Arbiter
from ratelord_core.http.body import read_body
from ratelord_core.http.exchange import Answer, Exchange, json_reply
from ratelord_core.http.security import act_as
from ratelord_core.http.settings import HttpSettings
from ratelord_core.http.wire import Codec
from ratelord_core.wire.intent import public_headers
from ratelord_core.wire.observation import (
    ObservationRequest,
    check_observation,
    dated,
    observation_of,
)


class Observations:
    """What HTTP does with observations."""

    def __init__(self, arbiter: Arbiter, settings: HttpSettings) -> None:
        self._arbiter = arbiter
        self._limit = settings.body_limit
        self._codec = Codec(ObservationRequest)

    async def observe(self, exchange: Exchange) -> Answer:
        """Tell what a proxy or sidecar saw in passing.

        Either a provider's response `headers`, or a pool's numbers (any of `limit`, `used`,
        `remaining`, `reset_at`, with `pool_id`).
        """
        body = await read_body(exchange, self._limit)
        seen, exchange.warning = self._codec.decode(body)
        check_observation(seen)
        if seen.identity_id is not None:
            act_as(exchange.caller, seen.identity_id)
        now = self._arbiter.now()
        if seen.headers is not None:
            view = await self._arbiter.observe_headers(
                seen.provider_id, public_headers(seen.headers), dated(seen, now), exchange.caller
            )
        else:
            view = await self._arbiter.observe([observation_of(seen, now)], exchange.caller)
        return json_reply(view)
