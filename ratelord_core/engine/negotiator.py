"""Decides intents: one uninterrupted thought from a question to what is written down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import msgspec
from msgspec.structs import replace

from ratelord_core.engine.answer import answer
from ratelord_core.engine.answering import (
    decision_of,
    second_look,
    seen,
    told_again,
)
from ratelord_core.engine.counting import count
from ratelord_core.engine.course import Course, Courses
from ratelord_core.engine.freshness import Pacer
from ratelord_core.engine.herald import Herald
from ratelord_core.engine.judgement import judge
from ratelord_core.engine.moment import Moment
from ratelord_core.engine.otherwise import otherwise
from ratelord_core.engine.plain import plainly
from ratelord_core.engine.question import submitted
from ratelord_core.engine.refusal import denial, refusal
from ratelord_core.engine.scribe import Scribe, source
from ratelord_core.engine.state import State
from ratelord_core.engine.substitution import LONG, Substitution
from ratelord_core.engine.weighed import Weighed
from ratelord_core.errors import Conflict, FieldError, InvalidRequest
from ratelord_core.events.envelope import Draft
from ratelord_core.events.payloads import (
    IntentDecided,
)
from ratelord_core.ledger import Need
from ratelord_core.model.decision import Decision
from ratelord_core.model.ids import Entropy, twin, uuid7, uuid_text
from ratelord_core.model.instant import Micros
from ratelord_core.model.intent import Intent
from ratelord_core.policy.action import Way
from ratelord_core.policy.stack import PolicyStack
from ratelord_core.policy.trace import asked, told
from ratelord_core.policy.verdict import PolicyVerdict
from ratelord_core.projections.answers import body_digest, key_digest


class Repeated(msgspec.Struct, frozen=True):
    """The question was asked before, with the same key: the first answer stands."""

    intent_id: str


class Negotiator:
    """Decides intents."""

    def __init__(self, state: State, policy: PolicyStack, entropy: Entropy, scribe: Scribe) -> None:
        self.state = state
        self.adopt(policy)
        self.entropy = entropy
        self.scribe = scribe
        self.watcher: Callable[[Decision], None] | None = None
        """Is told every decision with its trace."""
        self.offers_alternatives = True
        """Whether a denial or a long wait tells what else could be done; off where nobody reads
        it, because that is most of their work."""
        self._pacer = Pacer()
        self.herald = Herald(scribe)

    def adopt(self, policy: PolicyStack) -> None:
        """Judge by this policy from now on."""
        self._policy = policy
        self._courses = Courses(self.state, policy)

    @property
    def policy(self) -> PolicyStack:
        """The policy in force."""
        return self._policy

    # --- asking -------------------------------------------------------------------------------

    def negotiate(
        self, intent: Intent, now: Micros, door: str, waived: tuple[str, str] | None = None
    ) -> Decision | Repeated:
        """Decide one intent. Raises ``InvalidRequest`` for a pin that names nothing, ``Conflict``
        for a key that was used with another question or whose approval has lapsed. ``waived`` is
        the rule that a human set aside."""
        key = body = ""
        if intent.idempotency_key is not None and not intent.dry_run:
            key = key_digest(intent.agent_id, intent.idempotency_key)
            body = body_digest(intent)
            repeated = self._repeated(key, body, now)
            if repeated is not None:
                return repeated
        decided, verdict, done = self._decide(intent, now, waived)
        event_id = uuid7(now, self.entropy)
        intent_id = uuid_text(event_id)
        if not intent.dry_run:
            question = submitted(intent, key, body)
            who, origin, keep = intent.dimensions, source(door), self.scribe.keep
            keep(Draft(event_id, now, question, who, origin), intent_id)
            charged = who if done is intent else done.dimensions
            keep(Draft(twin(event_id), now, decided, charged, origin, event_id), intent_id)
            if verdict is not None and (verdict.bound or verdict.notices):
                self.herald.bound(verdict.bound, now, who)
                self.herald.notices(verdict.notices, now, who)
        decision = decision_of(intent_id, now, decided, self.state.policy_version)
        if self.watcher is not None:
            self.watcher(self._traced(decision, decided, intent))
        return self._traced(decision, decided, intent) if intent.debug else decision

    def _traced(self, decision: Decision, decided: IntentDecided, intent: Intent) -> Decision:
        saw = seen(decided) | asked(intent.dimensions, intent.urgency)
        trace = told(self._policy.document, decided.looked, decided.held, saw)
        trace += told_again(self._policy.document, decided.again, decided.modifications)
        return msgspec.structs.replace(decision, trace=trace)

    def vet(self, intents: Sequence[Intent], now: Micros) -> None:
        """Raise what ``negotiate`` would raise for any of these, before the first is decided: a
        batch that is refused must hold nothing. Every pin that leads nowhere is named."""
        astray: list[FieldError] = []
        for index, intent in enumerate(intents):
            if refusal(self.state, intent) is None:
                try:
                    self._courses.of(intent)
                except LookupError as error:
                    pin = "provider_id" if intent.pool_id is None else "pool_id"
                    astray.append(FieldError(f"intents[{index}].{pin}", str(error.args[0])))
        if astray:
            raise InvalidRequest.naming(astray, code="unknown_pin")
        bodies: dict[str, str] = {}
        for intent in intents:
            if intent.idempotency_key is None or intent.dry_run:
                continue
            key, body = key_digest(intent.agent_id, intent.idempotency_key), body_digest(intent)
            self._repeated(key, body, now)
            if bodies.setdefault(key, body) != body:
                raise _key_reused()

    def _repeated(self, key: str, body: str, now: Micros) -> Repeated | None:
        self.state.answers.forget(now - self.state.settings.idempotency_ttl)
        answer = self.state.answers.find(key)
        if answer is None:
            return None
        if answer.body != body:
            raise _key_reused()
        if answer.valid_until is not None and answer.valid_until < now:
            raise Conflict(
                f"the approval {answer.intent_id} for this key has lapsed; ask with a new key",
                code="approval_lapsed",
            )
        return Repeated(answer.intent_id)

    def _decide(
        self, intent: Intent, now: Micros, waived: tuple[str, str] | None
    ) -> tuple[IntentDecided, PolicyVerdict | None, Intent]:
        """The answer, what the policy said, and the intent as it is to be done."""
        asked = self._weigh(intent, now, waived, plain=waived is None)
        if isinstance(asked, IntentDecided):
            return asked, None, intent
        found = None
        slow = self.offers_alternatives and asked.start - now >= LONG
        if asked.verdict.instead or slow:
            found = Substitution(self.state, asked, partial(self._weigh_way, now, waived)).find()
        chosen = asked if found is None else found.chosen
        judged = chosen.judged
        if judged.paced and judged.start is not None and not intent.dry_run:
            self._pacer.went(judged.paced, judged.start)
        decided = answer(self.state, chosen, asked.verdict)
        if found is not None:
            decided = otherwise(decided, found, now)
            if chosen is not asked:
                decided = replace(decided, again=second_look(chosen.verdict))
        return decided, asked.verdict, chosen.intent

    def _weigh_way(
        self, now: Micros, waived: tuple[str, str] | None, intent: Intent, way: Way
    ) -> Weighed | None:
        """That way, looked at once more from the top; None if it leads nowhere."""
        try:
            weighed = self._weigh(intent, now, waived)
        except InvalidRequest:
            return None
        return None if isinstance(weighed, IntentDecided) else replace(weighed, way=way)

    def _weigh(
        self,
        intent: Intent,
        now: Micros,
        waived: tuple[str, str] | None,
        *,
        plain: bool = False,
    ) -> Weighed | IntentDecided:
        """What is to be said for and against the intent; its answer, if nothing need be weighed
        (and, if it may be a ``plain`` approval, nothing else will be made of it)."""
        refused = refusal(self.state, intent)
        if refused is not None:
            self.scribe.turn(now)
            return refused
        state, course = self.state, self._course(intent)
        cost = None
        needs: Sequence[Need]
        if state.prices.lists:
            needs, cost = course.quote(intent, state)
        else:
            needs = course.needs(intent, state)
        self.scribe.turn(now, course.pools)
        if not needs and state.settings.strict_pools:
            reason = "this action draws from no pool and strict_pools is on; declare its workload"
            return denial("policy", reason, course.binding.warnings)
        found = plainly(state, intent, course, needs, now) if plain else None
        if found is not None:
            return found
        moment = Moment(state, intent, course, needs, now, self.entropy, cost)
        verdict = self._policy.evaluate(course.levels, moment, waived)
        if verdict.counted or course.soft:
            verdict, needs = count(state, moment, verdict, needs)
        judged = judge(state, moment, verdict, needs, self._pacer)
        return Weighed(intent, moment, needs, verdict, judged)

    def _course(self, intent: Intent) -> Course:
        try:
            return self._courses.of(intent)
        except LookupError as error:
            raise InvalidRequest(str(error.args[0]), code="unknown_pin") from error


def _key_reused() -> Conflict:
    return Conflict(
        "this idempotency key was used with another question; use a new key",
        code="idempotency_key_reused",
    )
