"""What the asynchronous client can look at and administer; how a call is made is the client's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, Unpack

from ratelord import readers, wire
from ratelord.decision import Registration
from ratelord.errors import RatelordError
from ratelord.readers import EventFilters
from ratelord.wire import Call, Reply

T = TypeVar("T")


class AsyncLooking(ABC):
    """Readers return the plain JSON of the wire; identities change through records."""

    @abstractmethod
    async def _call(self, call: Call, kind: type[T]) -> T:
        """Make the call, with retries; returns its reply as that kind of thing."""

    @abstractmethod
    async def _reply(self, call: Call) -> Reply:
        """Make the call once; returns its raw reply."""

    async def _rows(self, call: Call) -> list[dict[str, Any]]:
        """A whole listing, page after page."""
        rows: list[dict[str, Any]] = []
        following: Call | None = call
        while following is not None:
            page = await self._call(following, object)
            rows += wire.items(page)
            following = readers.after(following, page)
        return rows

    async def ping(self) -> bool:
        """Whether the daemon answers; never raises for a daemon that does not."""
        try:
            await self._call(readers.live(), object)
        except RatelordError:
            return False
        return True

    async def health(self) -> dict[str, Any]:
        """How the daemon is."""
        return await self._call(readers.health(), dict[str, Any])

    async def pools(self) -> list[dict[str, Any]]:
        """Every pool as it stands."""
        return await self._rows(readers.pools())

    async def pool(self, key: str) -> dict[str, Any]:
        """One pool, by ``provider_id/pool_id``."""
        return await self._call(readers.pool(key), dict[str, Any])

    async def forecasts(
        self,
        pool: str | None = None,
        *,
        agent_id: str | None = None,
        identity_id: str | None = None,
        scope_id: str | None = None,
        by: str | None = None,
    ) -> list[dict[str, Any]]:
        """Forecasts of all pools, or of one: of what is left to an agent, an identity or a scope if
        they are named, of a pool's ten largest shares ``by`` one of these words."""
        share = {"agent_id": agent_id, "identity_id": identity_id, "scope_id": scope_id, "by": by}
        return await self._rows(readers.forecasts(pool, share))

    async def usage(
        self,
        *,
        identity_id: str | None = None,
        scope_id: str | None = None,
        pool: str | None = None,
        agent_id: str | None = None,
    ) -> list[dict[str, Any]]:
        """Who used what in the present windows."""
        call = readers.usage(identity_id, scope_id, pool, agent_id)
        return await self._rows(call)

    async def constraints(self, **who: str | None) -> list[dict[str, Any]]:
        """What binds ``agent_id``, ``identity_id``, ``workload_id`` and ``scope_id``."""
        return await self._rows(readers.constraints(who))

    async def fit(
        self, pool: str, units: int, within_seconds: float = 0, agent_id: str | None = None
    ) -> dict[str, Any]:
        """Whether so many units of a pool fit in time; holds nothing."""
        call = readers.fit(pool, units, within_seconds, agent_id)
        return await self._call(call, dict[str, Any])

    async def plan(self, intents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """How these intents would be answered one after another; holds nothing."""
        return await self._call(readers.plan(intents), dict[str, Any])

    async def events(self, **filters: Unpack[EventFilters]) -> list[dict[str, Any]]:
        """A page of the log, newest first unless ``order="asc"``."""
        return wire.items(await self._call(readers.events(filters), object))

    async def explain(self, intent_id: str) -> dict[str, Any]:
        """An intent, its decision with full trace, its report, and why."""
        return await self._call(readers.explain(intent_id), dict[str, Any])

    async def identities(self) -> list[dict[str, Any]]:
        """Every identity; never a token."""
        return wire.items(await self._call(readers.identities(), object))

    async def graph(self, around: str | None = None) -> dict[str, Any]:
        """The constraint graph, or the part near one node."""
        return await self._call(readers.graph("json", around), dict[str, Any])

    async def graph_text(self, format: str, around: str | None = None) -> str:  # noqa: A002 - the wire's word
        """The constraint graph as ``dot`` or ``mermaid``."""
        reply = await self._reply(readers.graph(format, around))
        wire.check(reply)
        return reply.content.decode("utf-8", "replace")

    async def explain_path(self, from_id: str, to_id: str) -> str:
        """How two nodes of the constraint graph hang together, in words."""
        found = await self._call(readers.graph_path(from_id, to_id), dict[str, Any])
        return str(found["text"])

    async def policy(self) -> dict[str, Any]:
        """The policy in force."""
        return await self._call(readers.policy(), dict[str, Any])

    async def check_policy(self, text: str) -> dict[str, Any]:
        """Whether a document (YAML or JSON) could come into force; its version if so.

        Raises ``RequestRefused`` with every finding in its ``problem["errors"]`` if not.
        """
        return await self._call(readers.check_policy(text), dict[str, Any])

    async def tool_mapping(self) -> dict[str, Any]:
        """What calls of tools are to the daemon: the policy's ``tools``, and facts of pools."""
        return await self._call(readers.tool_mapping(), dict[str, Any])

    async def plugins(self) -> list[dict[str, Any]]:
        """The daemon's plugins."""
        return wire.items(await self._call(readers.plugins(), object))

    async def metrics(self) -> str:
        """Counters and gauges in Prometheus text form."""
        reply = await self._reply(readers.metrics())
        wire.check(reply)
        return reply.content.decode("utf-8", "replace")

    # Administering

    async def reload_policy(self) -> dict[str, Any]:
        """Make the daemon read its policy file again."""
        return await self._call(readers.reload_policy(), dict[str, Any])

    async def snapshot(self) -> dict[str, Any]:
        """Make the daemon keep a snapshot of its state; its place, digest and size. Give the client
        a timeout of a minute: a large log takes that long."""
        return await self._call(readers.snapshot(), dict[str, Any])

    async def verify(self) -> dict[str, Any]:
        """Whether the log is what was written and yields what the daemon says. Reads all of it."""
        return await self._call(readers.verify(), dict[str, Any])

    async def inject(
        self, provider_id: str, pool_id: str, *, usage: int | None = None, limit: int | None = None
    ) -> None:
        """Make a simulated provider report this; only a daemon with ``debug`` lets you."""
        await self._call(wire.inject(provider_id, pool_id, usage, limit), object)

    async def register_identity(
        self, identity_id: str, kind: str = "service", **details: Any
    ) -> Registration:
        """Make an identity known; ``details`` are the wire's fields (``token``, ``role``, …)."""
        return await self._call(wire.register(identity_id, kind, details), Registration)

    async def rotate_identity(self, identity_id: str, **details: Any) -> Registration:
        """Give an identity a new token (generated unless ``token`` is given)."""
        return await self._call(wire.change(identity_id, "rotate", details), Registration)

    async def revoke_identity(self, identity_id: str, **details: Any) -> Registration:
        """Let an identity do nothing any more."""
        return await self._call(wire.change(identity_id, "revoke", details), Registration)

    async def quarantine_identity(self, identity_id: str, **details: Any) -> Registration:
        """Let an identity do nothing until it is restored."""
        return await self._call(wire.change(identity_id, "quarantine", details), Registration)

    async def restore_identity(self, identity_id: str, **details: Any) -> Registration:
        """End a quarantine."""
        return await self._call(wire.change(identity_id, "restore", details), Registration)

    async def begin_backtest(
        self,
        document: str | Mapping[str, Any],
        *,
        since: str | None = None,
        until: str | None = None,
        examples: int | None = None,
    ) -> dict[str, Any]:
        """Have the daemon replay its log against a candidate policy, beside its work.

        Returns as soon as it runs; ``backtest`` tells how far it is. Raises ``RequestRefused`` for
        a document that is not valid, ``UpstreamError`` while as many run as may.
        """
        call = readers.begin_backtest(document, since, until, examples)
        return await self._call(call, dict[str, Any])

    async def backtest(self, backtest_id: str) -> dict[str, Any]:
        """How far a backtest is, and its ``result`` once it is done."""
        return await self._call(readers.backtest(backtest_id), dict[str, Any])

    async def cancel_backtest(self, backtest_id: str) -> None:
        """Break a backtest off; forget it, if it is over."""
        wire.check(await self._reply(readers.cancel_backtest(backtest_id)))

    async def shadow(self) -> dict[str, Any]:
        """The policy that is evaluated beside the one in force, and how often it differed."""
        return await self._call(readers.shadow(), dict[str, Any])

    async def begin_shadow(self, document: str | Mapping[str, Any]) -> dict[str, Any]:
        """Evaluate this policy beside the one in force, from now on. Raises ``RequestRefused`` for
        a document that is not valid."""
        return await self._call(readers.begin_shadow(document), dict[str, Any])

    async def end_shadow(self) -> None:
        """Evaluate no policy beside the one in force any more."""
        wire.check(await self._reply(readers.end_shadow()))

    async def simulate(
        self, scenario: str | Mapping[str, Any], seed: int | None = None
    ) -> dict[str, Any]:
        """Have the daemon play a scenario (a shipped one's name, or one itself) beside its work.

        Returns as soon as it plays; ``simulation`` tells how far it is. Raises ``RequestRefused``
        for a scenario that is not valid, ``UpstreamError`` while as many play as may.
        """
        return await self._call(readers.simulate(scenario, seed), dict[str, Any])

    async def simulation(self, simulation_id: str) -> dict[str, Any]:
        """How far a simulation is, and its ``result`` once it is done."""
        return await self._call(readers.simulation(simulation_id), dict[str, Any])

    async def simulations(self) -> list[dict[str, Any]]:
        """The simulations that the daemon remembers, the newest first, without their results."""
        return wire.items(await self._call(readers.simulations(), object))

    async def cancel_simulation(self, simulation_id: str) -> None:
        """Break a simulation off; forget it, if it is over."""
        wire.check(await self._reply(readers.cancel_simulation(simulation_id)))
