"""A daemon somewhere else, as the stage's line and agents know one: asked through the SDK."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from ratelord import AsyncClient, RatelordError
from ratelord import Decision as Answer
from ratelord.decision import Modifications as Changes
from ratelord_core.engine import Engine
from ratelord_core.errors import Refused
from ratelord_core.model.decision import Decision, HoldLine, Modifications, ReasonCode
from ratelord_core.model.instant import SECOND, Micros, from_seconds
from ratelord_core.model.intent import Intent, Report
from ratelord_core.model.observation import Observation
from ratelord_sim.daemon import Tell
from ratelord_sim.live.pacing import LiveStage
from ratelord_sim.scenario.model import DaemonTerms

_NOWHERE = frozenset({"daemon_unreachable", "upstream_error"})


class Remote:
    """Asks and reports on behalf of agents. Spans are the scenario's here, and life's on the wire.

    ``engine`` only knows which pools an action draws from; nobody asks it. Keys get a word of the
    run before them, so that a second run is no repetition of the first.
    """

    def __init__(
        self, stage: LiveStage, client: AsyncClient, terms: DaemonTerms, engine: Engine, run: str
    ) -> None:
        self.stage = stage
        self.terms = terms
        self.engine = engine
        self.walls: list[Micros] = []
        """How long answers took, in µs of life."""
        self.unreported = 0
        """Reports that the daemon did not take."""
        self._client = client
        self._run = run

    def ask(self, intent: Intent, tell: Tell) -> None:
        """Ask; the answer is told when it comes."""

        async def asking() -> None:
            began = self.stage.elapsed()
            try:
                answer = await self._asked(intent)
                found = self._decision(answer)
            except RatelordError as error:
                found = Refused(str(error), code=error.code)
            self.walls.append(round((self.stage.elapsed() - began) * SECOND))
            self.stage.told(lambda: tell(found))

        self.stage.begin(asking)

    async def _asked(self, intent: Intent) -> Answer:
        key = intent.idempotency_key
        return await self._client.ask(
            intent.agent_id,
            intent.identity_id,
            intent.workload_id,
            intent.scope_id,
            auto_wait=False,
            urgency=intent.urgency,
            expected_cost=intent.expected_cost,
            costs=intent.costs or None,
            provider_id=intent.provider_id,
            pool_id=intent.pool_id,
            model=intent.model,
            duration_hint=self._seconds(intent.duration),
            max_wait=self._seconds(intent.max_wait),
            idempotency_key=None if key is None else f"{self._run}-{key}",
        )

    def _seconds(self, span: Micros | None) -> float | None:
        """A span of the scenario in seconds of life."""
        return None if span is None else span / (SECOND * self.stage.speed)

    def _decision(self, answer: Answer) -> Decision | Refused | None:
        """The answer in the scenario's time; None if there was none."""
        if answer.synthetic:
            return None
        self.stage.catch_up()
        now, speed = self.stage.now, self.stage.speed
        later = answer.retry_after_seconds
        lines = [
            HoldLine(f"{one.provider_id}/{one.pool_id}", one.units, one.remaining, None, 0)
            for one in answer.holds
        ]
        return Decision(
            answer.intent_id,
            answer.decision,
            cast("ReasonCode", answer.reason_code),
            answer.reason,
            as_of=now,
            start_at=now + from_seconds(answer.wait_seconds * speed) if answer.allowed else None,
            modifications=_changes(answer.modifications),
            holds=tuple(lines),
            retry_after=None if later is None else from_seconds(later * speed),
        )

    def report(
        self,
        intent_id: str,
        report: Report,
        seen: Sequence[Observation],
        tell: Callable[[bool], None],
    ) -> None:
        """Report; told whether it was taken."""

        async def reporting() -> None:
            taken = True
            try:
                await self._client.report(
                    intent_id, outcome=report.outcome, costs=report.costs or None
                )
            except RatelordError as error:
                taken = error.code not in _NOWHERE
                self.unreported += not taken
            self.stage.told(lambda: tell(taken))

        self.stage.begin(reporting)


def _changes(told: Changes) -> Modifications:
    """What is to be done otherwise; when, the answer's start tells."""
    return Modifications(
        identity_switch=told.identity_switch,
        route=told.route,
        protocol_switch=told.protocol_switch,
        max_cost=None if told.max_cost is None else int(told.max_cost),
        degrade=told.degrade,
    )
