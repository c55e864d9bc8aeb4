"""An agent: wants something, asks, waits as it is told, acts, reports; more or less honestly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random

from ratelord_core.behavior import Behavior, Demand, Pace
from ratelord_core.model.decision import Decision
from ratelord_core.model.ids import split_pool_key
from ratelord_core.model.instant import SECOND, Micros
from ratelord_core.model.intent import Intent, Report
from ratelord_core.model.observation import Observation
from ratelord_sim.actors.calendar import Calendar
from ratelord_sim.actors.deeds import Deeds
from ratelord_sim.actors.line import Line
from ratelord_sim.measure.tally import Notes, Tally
from ratelord_sim.provider.service import Reply, Service
from ratelord_sim.scenario.model import AgentTerms
from ratelord_sim.scenario.obedience import DENIAL, WAIT, WAYS, parts_of
from ratelord_sim.stage import Process, Stage

_OUTCOMES = {"ok": "success", "refused": "rate_limited", "failed": "error", "timeout": "error"}
_TIMEOUT: Micros = 10 * SECOND
"""How long an agent waits for a provider that does not answer."""
_PAUSE: Micros = SECOND
"""Before asking again after a denial that names no time."""


class Agent:
    """One agent of a group."""

    def __init__(
        self,
        number: int,
        terms: AgentTerms,
        behavior: Behavior,
        stage: Stage,
        line: Line,
        services: Mapping[str, Service],
        calendar: Calendar,
        notes: Notes,
        chance: Random,
        rows: tuple[tuple[Micros, float | None], ...] = (),
    ) -> None:
        self.name = f"{terms.name}-{number}"
        self.terms = terms
        self._behavior = behavior
        self._stage = stage
        self._line = line
        self._services = services
        self._calendar = calendar
        self._notes = notes
        self._chance = chance
        self._rows = rows
        self._asked = 0
        self._deeds = Deeds(terms.spread, line.daemon.engine.state, chance)

    def live(self) -> Process:
        """Want one thing after the other until the end, or until told to stop."""
        terms, stage = self.terms, self._stage
        yield terms.start
        for demand in self._demands():
            span = self._calendar.span(terms.name, demand.after, paced=self._behavior.paced)
            if span is None:
                return
            yield span
            if terms.stop is not None and stage.now - stage.start >= terms.stop:
                return
            if self._behavior.closed:
                yield from self._act(demand)
            else:
                stage.spawn(self._act(demand))

    def _demands(self) -> Iterator[Demand]:
        terms = self.terms
        pace = Pace(
            terms.rate, terms.burst, terms.jitter, terms.together, self._rows, terms.options
        )
        return self._behavior.demands(pace, self._chance)

    # --- asking -------------------------------------------------------------------------------

    def _act(self, demand: Demand) -> Process:
        terms, phase = self.terms, self._calendar.phase()
        tally = self._notes.of(terms.name, phase)
        tally.demands += 1
        tally.by_agent.setdefault(self.name, 0.0)
        intent, answer, waited = yield from self._ask(demand, tally)
        if answer is None:
            return
        heeded = terms.obeys.heeded(answer, self._chance)
        if DENIAL in heeded:
            return
        wait = (answer.start_at or answer.as_of) - answer.as_of
        if answer.allowed and terms.cancels and self._chance.random() < terms.cancels:
            yield from self._give_up(answer, round(wait * self._chance.random()), tally)
            return
        if WAIT in heeded:
            yield wait
            tally.starts.append(self._stage.now)
        tally.disobeyed += not parts_of(answer) <= heeded
        tally.redirected += not heeded.isdisjoint(WAYS)
        tally.waits.append(waited + (wait if WAIT in heeded else 0))
        yield from self._do(answer, self._deeds.units(intent, answer, heeded), tally)

    def _ask(self, demand: Demand, tally: Tally) -> Process:
        """Ask, and again after denials as often as the group does; the last question, its answer
        (None: there was none) and the µs since the first."""
        stage = self._stage
        first = 0
        intent, answer = self._intent(demand), None
        for attempt in range(self.terms.retries + 1):
            asked = stage.now
            intent = self._intent(demand) if attempt else intent
            said = yield from self._line.ask(intent)
            tally.requests += 1
            tally.latencies.append(stage.now - asked)
            first = first or stage.now
            answer = self._note(said, tally)
            if answer is None or answer.allowed or attempt == self.terms.retries:
                break
            yield _PAUSE if answer.retry_after is None else max(_PAUSE, answer.retry_after)
        return intent, answer, stage.now - first

    def _intent(self, demand: Demand) -> Intent:
        terms = self.terms
        self._asked += 1
        return Intent(
            self.name,
            terms.identity,
            terms.workload,
            terms.scope,
            urgency=terms.priority,  # type: ignore[arg-type]  # one of the three, checked when read
            expected_cost=terms.units if demand.units is None else demand.units,
            costs=terms.costs,
            provider_id=terms.provider,
            pool_id=terms.pool,
            model=terms.model,
            duration=terms.hint,
            max_wait=terms.max_wait,
            idempotency_key=None if self._line.reliable else f"{self._asked}",
        )

    def _note(self, said: object, tally: Tally) -> Decision | None:
        if not isinstance(said, Decision):
            tally.errors += 1
            return None
        self._notes.acknowledged.append((said.intent_id, said.decision, said.start_at))
        if said.decision == "approve":
            tally.approved += 1
        elif said.allowed:
            tally.modified += 1
        else:
            tally.denied += 1
            tally.reasons[said.reason_code] += 1
        if said.allowed:
            tally.changes.update(parts_of(said))
        return said

    def _give_up(self, answer: Decision, after: Micros, tally: Tally) -> Process:
        """Leave it, and let others have what was held."""
        yield after
        tally.cancelled += 1
        yield from self._line.report(answer.intent_id, Report("cancelled"), ())

    # --- acting -------------------------------------------------------------------------------

    def _do(self, answer: Decision, real: Mapping[str, int], tally: Tally) -> Process:
        needs = self._by_provider(real)
        tally.started += 1
        latency = max([service.terms.latency for service in needs], default=0)
        if latency:
            yield latency // 2
        replies = [service.call(units) for service, units in needs.items()]
        status = self._count(replies, real, tally)
        late = any(reply.status == "timeout" for reply in replies)
        yield (
            _TIMEOUT
            if late
            else latency - latency // 2 + (self.terms.work if status == "ok" else 0)
        )
        for reply, (service, units) in zip(replies, needs.items(), strict=True):
            if reply.status == "ok":
                service.done(units)
        if not answer.allowed or self._chance.random() >= self.terms.honesty:
            tally.unreported += 1
            return
        outcome = _OUTCOMES[status]
        costs = {pool: float(units) for pool, units in real.items()} if self.terms.spread else {}
        report = Report(outcome, costs=costs if outcome == "success" else {})  # type: ignore[arg-type]  # an Outcome
        seen: tuple[Observation, ...] = tuple(one for reply in replies for one in reply.seen)
        tally.reported += 1
        yield from self._line.report(answer.intent_id, report, seen)

    def _count(self, replies: Sequence[Reply], real: Mapping[str, int], tally: Tally) -> str:
        bad = [reply.status for reply in replies if reply.status != "ok"]
        if not bad:
            tally.succeeded += 1
            units = max(real.values(), default=1)
            tally.units += units
            tally.by_agent[self.name] += units / self.terms.weight
            return "ok"
        if "refused" in bad:
            tally.refused += 1
        else:
            tally.failed += 1
        return bad[0]

    def _by_provider(self, real: Mapping[str, int]) -> dict[Service, dict[str, int]]:
        found: dict[Service, dict[str, int]] = {}
        for pool, units in real.items():
            service = self._services.get(split_pool_key(pool)[0])
            if service is not None and pool in service.pools:
                found.setdefault(service, {})[pool] = units
        return found
