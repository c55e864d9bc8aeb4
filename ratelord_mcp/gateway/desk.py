"""Where the gateway asks: what a call is, whether it may go ahead, and what it cost."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec

import ratelord
from ratelord import Decision, RatelordError
from ratelord.decision import Outcome
from ratelord.wire import new_key, without_daemon
from ratelord_core.clock import Clock
from ratelord_core.model.ids import split_pool_key
from ratelord_core.model.instant import from_seconds, to_text
from ratelord_core.tool_mapping import MappingFailed, ToolMapping, ToolPlan
from ratelord_mcp.bridge.line import Line
from ratelord_mcp.gateway.learning import Limited
from ratelord_mcp.gateway.pipes import Note, note

_FRESH: Final = 2.0
"""Seconds for which a mapping counts as the present one, when nothing else tells."""
_MOST_ASKS: Final = 3
"""Times that a call is asked for because the policy changed under it."""


class Asker(msgspec.Struct, frozen=True):
    """Who asks, in which run, and how far it goes. ``max_wait`` in seconds."""

    server: str
    agent: str
    identity: str
    scope: str = "global"
    max_wait: float = 30.0
    on_unreachable: Literal["deny", "allow"] = "deny"
    run: str = ""


class Tool(msgspec.Struct, frozen=True):
    """A tool that is to be called, with its arguments."""

    name: str
    arguments: dict[str, Any]


class Granted(msgspec.Struct, frozen=True):
    """A plan and the decision on it; None if the policy wants no question."""

    plan: ToolPlan
    decision: Decision | None


class Desk:
    """Asks the daemon in the name of tools. Nothing that it does but ``grant`` raises: an answer
    that cannot be had is a denial, a report that cannot be made is noted."""

    def __init__(
        self,
        line: Line,
        asker: Asker,
        clock: Clock,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        say: Note = note,
    ) -> None:
        self.asker = asker
        self.clock = clock
        self._line = line
        self._monotonic = monotonic
        self._say = say
        self._mapping = ToolMapping()
        self._known_at: float | None = None
        self.may_override = True
        """Until the daemon says that it does not believe this gateway what a human said."""

    async def grant(self, tool: Tool, agent: str) -> Granted:
        """Plan the call and ask. Raises ``MappingFailed`` if nobody can say what it is."""
        plan = await self._plan(tool)
        for _ in range(_MOST_ASKS):
            if not plan.ask:
                return Granted(plan, None)
            decision = await self._ask(plan, agent)
            version = None if decision.evaluation is None else decision.evaluation.policy_version
            if not version or version == self._mapping.version:
                break
            await self._refresh()
            if (anew := self._planned(tool)) == plan:
                break
            if decision.allowed:
                await self.settle(decision, "cancelled")
            plan = anew
        return Granted(plan, decision)

    async def _plan(self, tool: Tool) -> ToolPlan:
        """By the mapping as far as it is known; a new one is looked for when it is old, and when
        the known one leads nowhere."""
        age = None if self._known_at is None else self._monotonic() - self._known_at
        if age is None:
            await self._refresh()
        elif age > _FRESH:
            try:
                plan = self._planned(tool)
            except MappingFailed:
                plan = None
            if plan is not None and plan.ask:
                return plan  # the answer will tell whether the policy has changed
            await self._refresh()
        return self._planned(tool)

    def _planned(self, tool: Tool) -> ToolPlan:
        asker = self.asker
        return self._mapping.plan(asker.server, tool.name, tool.arguments, asker.scope)

    async def _refresh(self) -> None:
        try:
            told = await self._line.speak(lambda client: client.tool_mapping())
            self._mapping = ToolMapping.from_wire(told)
            self._known_at = self._monotonic()
        except MappingFailed as error:
            self._say(str(error))
        except RatelordError as error:
            self._say(f"the policy's tools are not known: {error}")

    async def _ask(self, plan: ToolPlan, agent: str) -> Decision:
        asker = self.asker
        wait = min(plan.options.get("max_wait", asker.max_wait), asker.max_wait)
        options: Any = {**plan.options, "max_wait": wait, "idempotency_key": new_key()}
        if asker.run:
            options["client_context"] = {"run_id": asker.run}
        ids = (agent, plan.identity_id or asker.identity, plan.workload_id, plan.scope_id)

        async def call(client: ratelord.AsyncClient) -> Decision:
            decided = await client.ask(*ids, auto_wait=False, **options)
            if decided.reason_code == "daemon_unreachable":
                raise ratelord.DaemonUnreachable(decided.reason)
            return decided

        try:
            decision = await self._line.speak(call)
        except ratelord.RequestRefused as error:  # a question that is wrong is never let through
            return without_daemon(error, "deny")
        except RatelordError as error:
            return without_daemon(error, asker.on_unreachable)
        if decision.synthetic and asker.on_unreachable == "allow":
            return without_daemon(ratelord.DaemonUnreachable(decision.reason), "allow")
        return decision

    async def override(self, decision: Decision, by: str, reason: str) -> Decision:
        """What is decided without the rule; the denial as it was, if that may not be."""
        try:
            return await self._line.speak(
                lambda client: client.override(decision.intent_id, by=by, reason=reason)
            )
        except RatelordError as error:
            self._say(f"intent {decision.intent_id} was not overridden: {error}")
            self.may_override &= not (
                isinstance(error, ratelord.RequestRefused) and error.status == 403
            )
            return decision

    async def keep(self, decision: Decision, seconds: float) -> None:
        """Let what is held live until so many seconds from now, if it can."""
        try:
            await self._line.speak(lambda client: client.extend(decision.intent_id, seconds))
        except RatelordError as error:
            self._say(f"what intent {decision.intent_id} holds was not kept alive: {error}")

    async def settle(
        self, decision: Decision, outcome: Outcome, *, cost: float | None = None, costs: Any = None
    ) -> None:
        """Report what became of a call."""
        try:
            await self._line.speak(
                lambda client: client.report(
                    decision.intent_id, outcome=outcome, actual_cost=cost, costs=costs
                )
            )
        except RatelordError as error:
            self._say(f"intent {decision.intent_id} was not reported: {error}")

    async def observe(self, decision: Decision, limit: Limited) -> None:
        """Tell that the provider's pool has run dry: the only one that was held, or else the
        tightest; of several nobody knows which it was."""
        held = [f"{hold.provider_id}/{hold.pool_id}" for hold in decision.holds]
        facts = self._mapping.pools
        provided = [pool for pool in held if pool in facts and not facts[pool].local]
        seen = decision.evaluation
        tightest = [pool for pool in provided if seen is not None and pool == seen.tightest_pool]
        chosen = provided if len(provided) == 1 else tightest
        for pool in chosen:
            provider_id, pool_id = split_pool_key(pool)
            facts_seen: dict[str, Any] = {"pool_id": pool_id, "remaining": 0}
            if limit.retry_after is not None:
                at = self.clock.now() + from_seconds(limit.retry_after)
                facts_seen["reset_at"] = to_text(at)
            await self._observe(provider_id, facts_seen)

    async def _observe(self, provider_id: str, seen: dict[str, Any]) -> None:
        try:
            await self._line.speak(lambda client: client.observe(provider_id, **seen))
        except RatelordError as error:
            self._say(f"the limit of {provider_id} was not told: {error}")

    @property
    def mapping(self) -> ToolMapping:
        """The mapping as it is known."""
        return self._mapping
