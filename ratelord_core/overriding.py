"""From the log back to a denied question, so that it can be decided once more."""

from __future__ import annotations

from msgspec.structs import replace

from ratelord_core.engine.overrider import Denial
from ratelord_core.errors import NotFound
from ratelord_core.events.envelope import Event
from ratelord_core.events.payloads import IntentDecided, IntentSubmitted
from ratelord_core.log_reader import LogReader
from ratelord_core.model.caller import Caller
from ratelord_core.model.intent import Intent


async def denial_of(log: LogReader, intent_id: str, caller: Caller) -> Denial:
    """The denial that the log holds. ``NotFound`` without one; an agent's token finds those of its
    own identity only."""
    asked, decided, _ = await log.events_of(intent_id)
    must_own(asked, caller)
    answer = decided.payload
    assert isinstance(answer, IntentDecided)  # noqa: S101 - narrows what events_of chose by type
    rule = answer.decided_by if answer.overridable else None
    # Once means once: the key makes a second override the first one's answer. A stranger's key
    # cannot hold a NUL.
    question = replace(question_of(asked), idempotency_key=f"\0override {intent_id}")
    return Denial(intent_id, question, rule, answer.decision != "deny_with_reason")


def must_own(asked: Event, caller: Caller) -> None:
    """Raise ``NotFound`` if an agent's token is of another identity than the question."""
    if caller.role == "agent" and caller.identity_id not in {None, asked.dimensions.identity_id}:
        said = f"no intent {asked.intent_id} of {caller.identity_id}"
        raise NotFound(said, code="unknown_intent")


def question_of(asked: Event) -> Intent:
    """The question that an event of the log wrote down."""
    said = asked.payload
    assert isinstance(said, IntentSubmitted)  # noqa: S101 - as above
    who = asked.dimensions
    return Intent(
        who.agent_id,
        who.identity_id,
        who.workload_id,
        who.scope_id,
        urgency=said.urgency,  # type: ignore[arg-type]  # written down from one
        expected_cost=float(said.expected_cost) if said.expected_cost else None,
        costs={pool: float(cost) for pool, cost in said.costs.items()},
        provider_id=said.provider_id,
        pool_id=said.pool_id,
        model=said.model,
        duration=said.duration,
        max_wait=said.max_wait,
        renews=said.renews,
        run=said.run,
        task=said.task,
    )
