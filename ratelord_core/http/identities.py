"""Identities: registering, listing, and the turns of their lives."""

from __future__ import annotations

from ratelord_core.arbiter import Arbiter
from ratelord_core.errors import NotFound
from ratelord_core.http.body import read_body
from ratelord_core.http.exchange import Answer, Exchange, json_reply
from ratelord_core.http.settings import HttpSettings
from ratelord_core.http.wire import Codec
from ratelord_core.model.ids import is_id
from ratelord_core.wire.faults import shown
from ratelord_core.wire.identity import (
    ChangeRequest,
    RegisterRequest,
    RotateRequest,
    check_rotation,
    identity_of,
    overlap_of,
    reason_of,
)


class Identities:
    """What HTTP does with identities."""

    def __init__(self, arbiter: Arbiter, settings: HttpSettings) -> None:
        self._arbiter = arbiter
        self._limit = settings.body_limit
        self._register = Codec(RegisterRequest)
        self._rotate = Codec(RotateRequest)
        self._change = Codec(ChangeRequest)

    async def list(self, exchange: Exchange) -> Answer:
        """Every identity, as a bare array; never a token or its hash."""
        return json_reply(self._arbiter.identities())

    async def register(self, exchange: Exchange) -> Answer:
        """Make an identity known.

        Without a `token`, one is made; it is in this reply and nowhere else.
        """
        body = await read_body(exchange, self._limit)
        asked, exchange.warning = self._register.decode(body)
        identity = identity_of(asked, self._arbiter.now())
        return json_reply(
            await self._arbiter.register_identity(identity, asked.token, exchange.caller)
        )

    async def rotate(self, exchange: Exchange) -> Answer:
        """Give an identity a new token, a new `secret_ref`, or both.

        The old token ends at once, or after `overlap_seconds`, in which both are good.
        """
        identity_id = _identity_id(exchange)
        body = await read_body(exchange, self._limit, optional=True)
        asked, exchange.warning = self._rotate.decode(body or b"{}")
        check_rotation(asked)
        return json_reply(
            await self._arbiter.rotate_identity(
                identity_id, asked.token, asked.secret_ref, exchange.caller, overlap_of(asked)
            )
        )

    async def revoke(self, exchange: Exchange) -> Answer:
        """Let an identity do nothing any more."""
        return await self._turn(exchange, "revoke")

    async def quarantine(self, exchange: Exchange) -> Answer:
        """Let an identity do nothing until it is restored."""
        return await self._turn(exchange, "quarantine")

    async def restore(self, exchange: Exchange) -> Answer:
        """End an identity's quarantine."""
        return await self._turn(exchange, "restore")

    async def _turn(self, exchange: Exchange, change: str) -> Answer:
        identity_id = _identity_id(exchange)
        body = await read_body(exchange, self._limit, optional=True)
        asked, exchange.warning = self._change.decode(body or b"{}")
        return json_reply(
            await self._arbiter.change_identity(
                identity_id, change, reason_of(asked), exchange.caller
            )
        )


def _identity_id(exchange: Exchange) -> str:
    identity_id = exchange.params["identity_id"]
    if not is_id(identity_id):
        raise NotFound(f"no identity {shown(identity_id)}; GET /v1/identities lists them")
    return identity_id
