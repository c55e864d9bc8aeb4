"""The life of one tool call: asked for, perhaps waited for, made, reported."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import anyio

from ratelord import Decision
from ratelord.decision import Outcome
from ratelord_core.tool_mapping import MappingFailed, ToolPlan
from ratelord_mcp import human
from ratelord_mcp.gateway.desk import Desk, Tool
from ratelord_mcp.gateway.learning import costs_in, limit_in
from ratelord_mcp.gateway.messages import (
    CLIENT_CAPABILITIES,
    Message,
    encode,
    mapping,
    notification,
    result,
)
from ratelord_mcp.gateway.parked import Waiting
from ratelord_mcp.gateway.refusal import only_waits, refused, unmapped

if TYPE_CHECKING:
    from ratelord_mcp.gateway.relay import Relay

HUMAN_SECONDS: Final = 300.0
"""How long a human is waited for."""
_TELL: Final = 2.0
"""Seconds between two words of progress."""
_KEEP_EVERY: Final = 25.0
_KEEP_FOR: Final = 60.0
"""A hold lives a minute; while the server works it is kept alive."""


class Call:
    """One call."""

    def __init__(
        self,
        message: Message,
        desk: Desk,
        relay: Relay,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.message = message
        self._desk = desk
        self._relay = relay
        self._monotonic = monotonic
        self._scope = anyio.CancelScope()
        self._rung = anyio.Event()
        self._answer: Message | None = None
        self._sent = False
        self._cancelled = False
        self._open: Decision | None = None
        """The decision whose hold nobody has settled yet."""
        arguments = mapping(message.params.get("arguments"))
        self._tool = Tool(str(message.params.get("name", "")), arguments)

    @property
    def name(self) -> str:
        """The tool with its server."""
        return f"{self._desk.asker.server}/{self._tool.name}"

    # --- what the relay does to it ------------------------------------------------------------

    async def cancel(self) -> bool:
        """The client wants no answer any more; whether the server need not know."""
        self._cancelled = True
        self._scope.cancel()
        return not self._sent

    def give_up(self) -> None:
        """Nobody waits for it any more: what the server has not seen need not begin."""
        if not self._sent:
            self._scope.cancel()

    def answered(self, message: Message) -> bool:
        """The server's response is there; whether the call takes it from here."""
        if not self._sent or self._cancelled or self._answer is not None:
            return False
        self._answer = message
        self._rung.set()
        return True

    # --- its life -----------------------------------------------------------------------------

    async def conduct(self) -> None:
        """From the question to the report."""
        plan: ToolPlan | None = None
        try:
            with self._scope:
                waiting = self._relay.parked.find(self.message)
                try:
                    plan = await self._allowed(waiting)
                except MappingFailed as error:
                    await self._refuse(unmapped(str(error), self.name))
                if plan is not None:
                    await self._make(plan)
        finally:
            if self._open is not None:
                frees = not self._sent or (plan is not None and plan.frees_if_cancelled)
                await self._settle("cancelled" if frees and self._ended_by_client else "error")

    @property
    def _ended_by_client(self) -> bool:
        return self._cancelled or not self._sent

    async def _allowed(self, waiting: Waiting | None) -> ToolPlan | None:
        """The plan, once the call may go to the server; None if it may not, and was answered."""
        if waiting is not None and not waiting.asked_human:
            self._open = waiting.decision  # it goes on with what it was granted
            return waiting.plan
        if waiting is not None:
            plan, decision = waiting.plan, await self._heard(waiting)
        else:
            # Whatever is granted must be known here, even if nobody wants it any more.
            with anyio.CancelScope(shield=True):
                granted = await self._desk.grant(self._tool, self._relay.agent_of(self.message))
                plan = granted.plan
                if granted.decision is None:
                    return plan
                decision = granted.decision
                self._open = decision if decision.allowed and decision.intent_id else None
            await anyio.lowlevel.checkpoint()
            if decision.overridable and self._desk.may_override:
                found = await self._ask_human(plan, decision)
                if found is None:
                    return None
                decision = found
        if not decision.allowed or not only_waits(decision):
            now, shaped = self._desk.clock.now(), self._tool.name in self._relay.shaped
            await self._refuse(refused(decision, self.name, now, structured=not shaped))
            return None
        await self._wait(decision.wait_seconds)
        return plan

    async def _refuse(self, content: dict[str, Any]) -> None:
        """Answer in the server's place, and give back what was held for a change that only the
        agent itself could have made."""
        await self._settle("cancelled")
        await self._relay.to_client(result(self.message, content))

    async def _ask_human(self, plan: ToolPlan, decision: Decision) -> Decision | None:
        """The decision after the human was asked; None if that happens with the next call."""
        message, relay = self.message, self._relay
        said = message.meta.get(CLIENT_CAPABILITIES) if message.is_modern else relay.greeted
        if not human.can_ask(said):
            return decision
        asked = human.question(relay.agent_of(message), f"call {self.name}", decision.reason)
        if not message.is_modern:
            answer = await relay.ask_client("elicitation/create", asked, HUMAN_SECONDS)
            return await self._override(decision, human.verdict(answer))
        ticket = relay.parked.ticket()
        relay.parked.keep(message, ticket, Waiting(plan, decision, asked_human=True))
        asks = {human.KEY: {"method": "elicitation/create", "params": {"mode": "form", **asked}}}
        body = {"resultType": "input_required", "inputRequests": asks, "requestState": ticket}
        await self._relay.to_client(
            encode({"jsonrpc": "2.0", "id": message.content["id"], "result": body})
        )
        return None

    async def _heard(self, waiting: Waiting) -> Decision:
        """The human's answer came with this call; the server must not see it."""
        params = dict(self.message.params)
        said = mapping(params.pop("inputResponses", None)).get(human.KEY)
        params.pop("requestState", None)
        content = {**self.message.content, "params": params}
        self.message = Message(encode(content), content)
        return await self._override(waiting.decision, human.verdict(said))

    async def _override(self, decision: Decision, said: human.Verdict) -> Decision:
        if not said.allow:
            return decision
        by = f"human at {self._relay.agent_of(self.message)}"
        with anyio.CancelScope(shield=True):
            decided = await self._desk.override(decision, by, said.reason)
            self._open = decided if decided.allowed and decided.intent_id else None
        await anyio.lowlevel.checkpoint()
        return decided

    async def _wait(self, seconds: float) -> None:
        """Until the start that was granted, with a word of progress to whoever asked for it."""
        token = self.message.meta.get("progressToken")
        ends = self._monotonic() + seconds
        while (left := ends - self._monotonic()) > 0:
            if token is not None:
                # Progress must grow, and the server may begin its own with 0.
                said = {
                    "progressToken": token,
                    "progress": -round(left, 3),
                    "message": f"{self.name} waits {left:.0f} s for its turn",
                }
                await self._relay.to_client(notification("notifications/progress", said))
            await anyio.sleep(min(left, _TELL if token is not None else left))

    async def _make(self, plan: ToolPlan) -> None:
        """Pass the call on, and its answer back, with the report in between."""
        began = self._monotonic()
        self._sent = True
        await self._relay.to_server(self.message.raw)
        async with anyio.create_task_group() as group:
            group.start_soon(self._keep_alive)
            await self._rung.wait()
            group.cancel_scope.cancel()
        answer = self._answer
        assert answer is not None  # noqa: S101 - whoever rang has set it before
        with anyio.CancelScope(shield=True):
            await self._report(plan, answer, self._monotonic() - began)
        await self._relay.to_client(answer.raw)

    async def _keep_alive(self) -> None:
        while self._open is not None:
            await anyio.sleep(_KEEP_EVERY)
            await self._desk.keep(self._open, _KEEP_FOR)

    # --- its end ------------------------------------------------------------------------------

    async def _report(self, plan: ToolPlan, answer: Message, seconds: float) -> None:
        decision = self._open
        if decision is None:
            return
        found = mapping(answer.content.get("result"))
        if found.get("resultType") == "input_required":
            await self._desk.keep(decision, HUMAN_SECONDS)
            self._relay.parked.keep(
                self.message, found.get("requestState"), Waiting(plan, decision)
            )
            self._open = None
            return
        limit = self._relay.server.limit_of(answer.key) or limit_in(answer.content)
        failed = limit is not None or "error" in answer.content or found.get("isError") is True
        cost, costs = self._cost(plan, decision, found, failed=failed, seconds=seconds)
        outcome: Outcome = "rate_limited" if limit else "error" if failed else "success"
        await self._settle(outcome, cost, costs)
        if limit is not None:
            await self._desk.observe(decision, limit)

    def _cost(
        self,
        plan: ToolPlan,
        decision: Decision,
        found: dict[str, Any],
        *,
        failed: bool,
        seconds: float,
    ) -> tuple[float | None, dict[str, float]]:
        """What the mapping says it cost, else what the result tells."""
        mapped, tool = self._desk.mapping, self._tool
        server = self._desk.asker.server
        actual = mapped.actual(
            plan, server, tool.name, tool.arguments, found, failed=failed, seconds=seconds
        )
        if actual.actual_cost is not None or failed:
            return actual.actual_cost, actual.costs
        held = [f"{hold.provider_id}/{hold.pool_id}" for hold in decision.holds]
        return None, costs_in(found, seconds, held, mapped.pools) | actual.costs

    async def _settle(
        self, outcome: Outcome, cost: float | None = None, costs: dict[str, float] | None = None
    ) -> None:
        decision, self._open = self._open, None
        if decision is not None:
            with anyio.CancelScope(shield=True):
                await self._desk.settle(decision, outcome, cost=cost, costs=costs or None)
