"""The arbiter of a daemon elsewhere, as seen through the client that everybody may use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio
import msgspec

import ratelord
from ratelord.readers import EventFilters
from ratelord_core.arbiter import EventFilter
from ratelord_core.clock import Clock
from ratelord_core.errors import PolicyError
from ratelord_core.graph import Snapshot
from ratelord_core.model.caller import Caller
from ratelord_core.model.identity import Identity
from ratelord_core.model.instant import SECOND, Micros
from ratelord_core.model.share_query import WHOLE, ShareQuery
from ratelord_core.model.views import (
    EventView,
    ForecastView,
    HealthView,
    IdentityView,
    PolicyCheckView,
    PolicyFinding,
    PolicyReloadView,
    PolicyView,
    PoolView,
    RegisteredView,
    UsageView,
)
from ratelord_core.plugins import PluginInfo
from ratelord_core.tool_mapping import MappingWire
from ratelord_mcp.bridge.line import Line
from ratelord_mcp.bridge.reading import (
    filters_of,
    page_of,
    record_of,
)
from ratelord_mcp.bridge.refusals import refusal_of, translated
from ratelord_mcp.bridge.remote_asking import RemoteAsking
from ratelord_mcp.bridge.remote_prospects import RemoteProspects

if TYPE_CHECKING:
    from ratelord import Client

Kind = TypeVar("Kind")

PAUSE: Final = 1.0
"""Seconds before a stream looks again for a daemon that is gone."""


class RemoteArbiter(RemoteAsking, RemoteProspects):
    """Implements ``Arbiter`` over a line to a daemon.

    Looks block, because the protocol says so: a door makes them in threads. Who calls is what the
    line's token says; the ``caller`` arguments only travel as far as this process. Without a
    daemon, questions are denied with the reason ``daemon_unreachable``, and everything else is
    ``Unavailable`` with that code.
    """

    def __init__(
        self, line: Line, clock: Clock, *, sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    ) -> None:
        self._line = line
        self._clock = clock
        self._sleep = sleep

    # --- look ---------------------------------------------------------------------------------

    def _look(self, call: Callable[[Client], Any], kind: type[Kind]) -> Kind:
        with translated():
            return record_of(self._line.look(call), kind)

    async def explain(self, intent_id: str) -> dict[str, Any]:
        with translated():
            return await self._line.speak(lambda client: client.explain(intent_id))

    def health(self) -> HealthView:
        return self._look(lambda client: client.health(), HealthView)

    def pools(self) -> list[PoolView]:
        return self._look(lambda client: client.pools(), list[PoolView])

    def pool(self, key: str) -> PoolView:
        return self._look(lambda client: client.pool(key), PoolView)

    def forecasts(self, pool: str | None = None, share: ShareQuery = WHOLE) -> list[ForecastView]:
        asked = msgspec.to_builtins(share)
        return self._look(lambda client: client.forecasts(pool, **asked), list[ForecastView])

    def usage(
        self,
        *,
        pool: str | None = None,
        agent_id: str | None = None,
        identity_id: str | None = None,
        scope_id: str | None = None,
    ) -> list[UsageView]:
        who = {"agent_id": agent_id, "identity_id": identity_id, "scope_id": scope_id}
        return self._look(lambda client: client.usage(pool=pool, **who), list[UsageView])

    async def events(self, query: EventFilter) -> list[EventView]:
        with translated():
            page = await self._line.speak(lambda client: client.events(**page_of(query)))
        return record_of(page, list[EventView])

    async def stream(self, query: EventFilter) -> AsyncIterator[EventView]:
        """Events after ``query.after``, for ever: a daemon that is gone is waited for."""
        filters = filters_of(query)
        while True:
            try:
                stream = await self._line.speak(partial(_begin, filters=filters))
                async for event in stream:
                    filters["after"] = event["seq"]
                    yield record_of(event, EventView)
            except (ratelord.DaemonUnreachable, ratelord.UpstreamError):
                await self._sleep(PAUSE)
            except ratelord.RatelordError as error:
                raise refusal_of(error) from None

    def graph(self, around: str | None = None) -> Snapshot:
        return self._look(lambda client: client.graph(around), Snapshot)

    def explain_path(self, from_id: str, to_id: str) -> str:
        return self._look(lambda client: client.explain_path(from_id, to_id), str)

    def plugins(self) -> tuple[PluginInfo, ...]:
        return self._look(lambda client: client.plugins(), tuple[PluginInfo, ...])

    def metrics(self) -> str:
        return self._look(lambda client: client.metrics(), str)

    def identities(self) -> list[IdentityView]:
        return self._look(lambda client: client.identities(), list[IdentityView])

    async def register_identity(
        self, identity: Identity, token: str | None, caller: Caller
    ) -> RegisteredView:
        details = msgspec.to_builtins(identity) | {"token": token}
        known = {name: details.pop(name) for name in ("identity_id", "kind") if name in details}
        with translated():
            done = await self._line.speak(
                lambda client: client.register_identity(**known, **details)
            )
        return record_of(done, RegisteredView)

    async def rotate_identity(
        self,
        identity_id: str,
        token: str | None,
        secret_ref: str | None,
        caller: Caller,
        overlap: Micros = 0,
    ) -> RegisteredView:
        body = {"token": token, "secret_ref": secret_ref, "overlap_seconds": overlap / SECOND}
        with translated():
            done = await self._line.speak(lambda one: one.rotate_identity(identity_id, **body))
        return record_of(done, RegisteredView)

    async def change_identity(
        self, identity_id: str, change: str, reason: str, caller: Caller
    ) -> RegisteredView:
        with translated():
            done = await self._line.speak(
                lambda client: getattr(client, f"{change}_identity")(
                    identity_id, reason=reason or None
                )
            )
        return record_of(done, RegisteredView)

    def authenticate(self, token: str) -> Caller | None:
        """Nobody: tokens are the daemon's to check, and are passed on to it."""
        return None

    # --- policy -------------------------------------------------------------------------------

    def policy(self) -> PolicyView:
        return self._look(lambda client: client.policy(), PolicyView)

    def tool_mapping(self) -> MappingWire:
        return self._look(lambda client: client.tool_mapping(), MappingWire)

    def check_policy(self, text: str, source: str) -> PolicyCheckView:
        try:
            return self._look(lambda client: client.check_policy(text), PolicyCheckView)
        except PolicyError as error:
            found = (
                PolicyFinding(f.message, f.line, f.column, f.path, f.hint) for f in error.findings
            )
            return PolicyCheckView(False, None, tuple(found))

    async def reload_policy(self, caller: Caller) -> PolicyReloadView:
        with translated():
            done = await self._line.speak(lambda client: client.reload_policy())
        return record_of(done, PolicyReloadView)

    def inject(
        self, provider_id: str, pool_id: str, usage: int | None, limit: int | None, caller: Caller
    ) -> None:
        self._look(
            lambda client: client.inject(provider_id, pool_id, usage=usage, limit=limit), type(None)
        )


async def _begin(
    client: ratelord.AsyncClient, filters: EventFilters
) -> AsyncIterator[dict[str, Any]]:
    return client.stream(**filters)
