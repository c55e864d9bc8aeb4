"""What the arbiter of a daemon elsewhere is asked and told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import ratelord
from ratelord.wire import new_key
from ratelord_core.clock import Clock
from ratelord_core.errors import Unavailable
from ratelord_core.model.caller import Caller
from ratelord_core.model.decision import Decision
from ratelord_core.model.instant import Micros, to_seconds, to_text
from ratelord_core.model.intent import Intent, Report
from ratelord_core.model.observation import Observation
from ratelord_core.model.views import ExtendView, ObservedView, ReportView
from ratelord_mcp.bridge.line import Line
from ratelord_mcp.bridge.reading import (
    decision_of,
    denial_of,
    intent_body,
    observation_body,
    record_of,
)
from ratelord_mcp.bridge.refusals import translated
from ratelord_mcp.last_words import told


class RemoteAsking:
    """Asks, reports and observes over a line to a daemon. What is reported is reported, as it is to
    an arbiter in this process, even if whoever waits for it is cancelled."""

    _line: Line
    _clock: Clock

    def now(self) -> Micros:
        return self._clock.now()

    async def ask(self, intent: Intent, caller: Caller) -> Decision:
        return (await self.ask_batch((intent,), caller))[0]

    def begin(self, intent: Intent, caller: Caller) -> asyncio.Future[Decision]:
        return asyncio.ensure_future(self.ask(intent, caller))

    async def ask_batch(self, intents: Sequence[Intent], caller: Caller) -> list[Decision]:
        bodies = [intent_body(intent) for intent in intents]
        for body in bodies:  # asked again on another connection, it must be the same question
            if not body.get("dry_run"):
                body.setdefault("idempotency_key", new_key())

        async def call(client: ratelord.AsyncClient) -> list[ratelord.Decision]:
            decided = await client.ask_batch(bodies)
            if decided and decided[0].reason_code == "daemon_unreachable":
                raise ratelord.DaemonUnreachable(decided[0].reason)
            return decided

        try:
            with translated():
                decided = await self._line.speak(call)
        except Unavailable as error:
            return [denial_of(error, self.now())] * len(intents)
        return [decision_of(one, self.now()) for one in decided]

    async def override(self, intent_id: str, by: str, reason: str, caller: Caller) -> Decision:
        with translated():
            decided = await self._line.speak(
                lambda client: client.override(intent_id, by=by, reason=reason)
            )
        return decision_of(decided, self.now())

    async def report(self, intent_id: str, report: Report, caller: Caller) -> ReportView:
        return await told(self._report(intent_id, report), f"what came of intent {intent_id}")

    async def _report(self, intent_id: str, report: Report) -> ReportView:
        with translated():
            settled = await self._line.speak(
                lambda client: client.report(
                    intent_id,
                    outcome=report.outcome,
                    actual_cost=report.actual_cost,
                    costs=report.costs,
                    headers=report.headers,
                )
            )
        return record_of(settled, ReportView)

    async def extend(self, intent_id: str, span: Micros, caller: Caller) -> ExtendView:
        with translated():
            extended = await self._line.speak(
                lambda client: client.extend(intent_id, to_seconds(span))
            )
        return record_of(extended, ExtendView)

    async def observe(self, observations: Sequence[Observation], caller: Caller) -> ObservedView:
        accepted, pools = 0, list[str]()
        for seen in observations:
            view = await self._observe(seen.provider_id, observation_body(seen))
            accepted += view.accepted
            pools += view.pools
        return ObservedView(accepted, tuple(pools))

    async def observe_headers(
        self, provider_id: str, headers: Mapping[str, str], dated: Micros, caller: Caller
    ) -> ObservedView:
        return await self._observe(provider_id, {"headers": headers, "ts_event": to_text(dated)})

    async def _observe(self, provider_id: str, seen: Mapping[str, Any]) -> ObservedView:
        with translated():
            observed = await self._line.speak(lambda client: client.observe(provider_id, **seen))
        return record_of(observed, ObservedView)
