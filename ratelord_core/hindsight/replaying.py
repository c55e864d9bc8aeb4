"""Replays the log against a candidate policy: what was asked is asked again, what came of it
follows the candidate's answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from ratelord_core.events.envelope import Event
from ratelord_core.events.payloads import (
    ConfigLoaded,
    ConstraintObserved,
    HoldExtended,
    IdentityChange,
    IdentityRegistered,
    IntentDecided,
    IntentReported,
    IntentSubmitted,
    PolicyUpdated,
    ProviderError,
    ProviderPollObserved,
    ProviderStateChanged,
    SystemStarted,
    UsageObserved,
)
from ratelord_core.hindsight.adjusting import adjusted
from ratelord_core.hindsight.again import question, report_of
from ratelord_core.hindsight.answer import Answer, Kind, answer_of, kind_of
from ratelord_core.hindsight.candidate import Candidate
from ratelord_core.hindsight.dryness import Dryness
from ratelord_core.hindsight.own_values import OwnValues
from ratelord_core.hindsight.past import Past
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.instant import Micros
from ratelord_core.model.intent import Report
from ratelord_core.model.observation import Observation
from ratelord_core.provider import PollResult

_HEARD: Final = (
    SystemStarted, IdentityRegistered, IdentityChange, ProviderError, ProviderStateChanged,
)  # fmt: skip
"""What happens whatever the policy."""
_REMEMBERED: Final = 100_000
"""Intents without a report that are remembered; a daemon forgets them much sooner."""
_TEACHES: Final = 0.1
"""How much the newest action tells of how long actions of its workload take."""


class Compared(msgspec.Struct, frozen=True, gc=False):
    """One question, with the answer that the log has and the candidate's."""

    intent_id: str
    at: Micros
    who: Dimensions
    urgency: str
    kind: Kind
    before: Answer
    after: Answer


class _Open(msgspec.Struct, gc=False):
    """An intent of the past that has not been reported yet; ``here`` is what it is called here, ""
    if the candidate let nothing of it through."""

    here: str
    shift: Micros
    start: Micros
    held: dict[str, int]


Hear = Callable[[Compared], None]
Waived = Mapping[str, tuple[str, str]]
"""The rule (policy id, name) that a human set aside, by the intent that was decided without it."""


class Replaying:
    """The past and the candidate, side by side. Feed it the log's events in order."""

    def __init__(
        self, past: Past, candidate: Candidate, hear: Hear, waived: Waived | None = None
    ) -> None:
        self.past = past
        self._waived = {} if waived is None else waived
        self.candidate = candidate
        self.dry_before = Dryness(past.ledger)
        self.dry_after = Dryness(candidate.state.ledger)
        self.own_values = OwnValues(past.ledger, candidate.state.ledger)
        self.cost_before = 0
        self.settled_before: dict[str, int] = {}
        self.unasked = 0
        """Questions that the candidate refuses as making no sense: they pin what it lacks."""
        self.unheard = 0
        """Observations of providers that the candidate does not have."""
        self.policies: dict[str, int] = {}
        """The versions that answered, and how often."""
        self._hear = hear
        self._open: dict[str, _Open] = {}
        self._asked: tuple[str, IntentSubmitted, Dimensions] | None = None
        self._lasts: dict[str, float] = {}
        self._turns: dict[type, Callable[[Event, Any], None]] = {
            IntentSubmitted: self._submitted,
            IntentDecided: self._decided,
            IntentReported: self._reported,
            HoldExtended: self._extended,
            ProviderPollObserved: self._polled,
            UsageObserved: self._observed,
            ConstraintObserved: self._constraint,
            ConfigLoaded: self._own,
            PolicyUpdated: self._own,
        }

    def feed(self, event: Event) -> None:
        """The log's next event."""
        payload = event.payload
        turn = self._turns.get(type(payload))
        if turn is not None:
            turn(event, payload)
            return
        self.past.replay(event)
        if isinstance(payload, _HEARD):
            self.candidate.reach(event.ts_event)
            self.candidate.hear(payload)

    def finish(self, at: Micros) -> None:
        """The log ends."""
        self.candidate.reach(at)

    # --- intents ------------------------------------------------------------------------------

    def _submitted(self, event: Event, e: IntentSubmitted) -> None:
        self._asked = (event.intent_id, e, event.dimensions)

    def _decided(self, event: Event, e: IntentDecided) -> None:
        self.past.replay(event)
        asked, intent_id = self._asked, event.intent_id
        if asked is None or asked[0] != intent_id:
            return
        at, who = event.ts_event, asked[2]
        version = self.past.policy_version
        self.policies[version] = self.policies.get(version, 0) + 1
        self.dry_before.note(at, e)
        self.candidate.reach(at)
        known = self.own_values.of(e)
        found = self.candidate.ask(question(asked[1], who, known), self._waived.get(intent_id))
        if found is None:
            self.unasked += 1
            return
        here, answer = found
        self.own_values.note(known, answer)
        self.dry_after.note(self.candidate.now, answer)
        before, after = answer_of(e), answer_of(answer)
        self._follow(intent_id, here, e, answer, at, who)
        kind = kind_of(before, after)
        self._hear(Compared(intent_id, at, who, asked[1].urgency, kind, before, after))

    def _follow(
        self,
        intent_id: str,
        here: str,
        e: IntentDecided,
        answer: IntentDecided,
        at: Micros,
        who: Dimensions,
    ) -> None:
        """What will come of the candidate's approval: what came of the past's, as much later as it
        starts later; if the past denied it, what such actions usually come to."""
        if e.holds:
            self._remember(intent_id, here, e, answer, at)
        elif answer.holds and e.decision == "deny_with_reason":
            lasts = self._lasts.get(who.workload_id)
            if lasts is not None:
                when = self.candidate.now + answer.start + round(lasts)
                self.candidate.settle_at(when, here, Report())

    def _remember(
        self, intent_id: str, here: str, e: IntentDecided, answer: IntentDecided, at: Micros
    ) -> None:
        held = {line.pool: line.units for line in e.holds}
        shift = max(0, answer.start - e.start)
        self._open[intent_id] = _Open(here if answer.holds else "", shift, at + e.start, held)
        if len(self._open) > _REMEMBERED:
            del self._open[next(iter(self._open))]

    def _reported(self, event: Event, e: IntentReported) -> None:
        intent_id = event.intent_id
        self.past.replay(event)
        self.cost_before += max(0, e.cost)
        for pool, units in e.settled:
            self.settled_before[pool] = self.settled_before.get(pool, 0) + units
        known = self._open.pop(intent_id, None)
        if known is None:
            return
        at = event.ts_event
        self._learn(event.dimensions.workload_id, float(max(0, at - known.start)))
        if not known.here:
            return
        self.candidate.reach(at)
        report = report_of(e, known.held, self.past, self.candidate, known.here)
        self.candidate.settle_at(at + known.shift, known.here, report)

    def _learn(self, workload: str, lasted: float) -> None:
        mean = self._lasts.get(workload, lasted)
        self._lasts[workload] = mean + _TEACHES * (lasted - mean)

    def _extended(self, event: Event, e: HoldExtended) -> None:
        self.past.replay(event)
        known = self._open.get(e.intent_id)
        if known is not None and known.here:
            self.candidate.reach(event.ts_event)
            self.candidate.extend(known.here, e.expires_at + known.shift)

    # --- what providers said ------------------------------------------------------------------

    def _polled(self, event: Event, e: ProviderPollObserved) -> None:
        at = event.ts_event
        self.candidate.reach(at)
        told = tuple([self._adjusted(seen, at) for seen in e.observations])
        self.past.replay(event)
        if e.provider_id.partition("/")[0] not in self.candidate.state.topology.providers:
            self.unheard += 1
            return
        result = PollResult(e.dated, told, e.state)
        self.candidate.polled(e.provider_id, e.plugin, e.plugin_version, result, e.next_poll or 0)

    def _observed(self, event: Event, e: UsageObserved) -> None:
        at = event.ts_event
        self.candidate.reach(at)
        told = self._adjusted(e.observation, at)
        self.past.replay(event)
        if not self.candidate.observe(told, e.origin):
            self.unheard += 1

    def _adjusted(self, seen: Observation, at: Micros) -> Observation:
        return adjusted(seen, self.past.ledger, self.candidate.state.ledger, at)

    def _constraint(self, event: Event, e: ConstraintObserved) -> None:
        self.past.replay(event)
        if e.pool.provider_id in self.candidate.state.topology.providers:
            self.candidate.reach(event.ts_event)
            self.candidate.declare(e.pool)

    def _own(self, event: Event, _e: Any) -> None:
        """The past's own configuration: the candidate has another one."""
        self.past.replay(event)
