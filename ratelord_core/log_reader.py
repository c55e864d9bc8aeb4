"""Reads the log for readers: pages, a stream that neither loses nor repeats, and the story of one
intent. Works beside the journal, on threads of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from itertools import islice
from typing import Any

import anyio.to_thread
import msgspec

from ratelord_core.arbiter import EventFilter
from ratelord_core.engine.answering import decision_of, seen, told_again
from ratelord_core.errors import NotFound
from ratelord_core.events.codec import open_record
from ratelord_core.events.envelope import Event
from ratelord_core.events.payloads import (
    IntentDecided,
    IntentReported,
    IntentSubmitted,
    PolicyUpdated,
)
from ratelord_core.events.record import Record
from ratelord_core.events.showing import event_view
from ratelord_core.journal import Journal
from ratelord_core.model.decision import Decision
from ratelord_core.model.ids import uuid_bytes
from ratelord_core.model.views import EventView
from ratelord_core.policy.document import from_canonical
from ratelord_core.policy.trace import asked as values_asked
from ratelord_core.policy.trace import told as rules_told
from ratelord_core.store import EventQuery, EventStore
from ratelord_core.story import told
from ratelord_core.wire.decision import decision_view
from ratelord_core.wire.timestamp import timestamp

_CHUNK = 500
_DIMENSIONS = ("agent_id", "identity_id", "workload_id", "scope_id")


class LogReader:
    """What may be read from the log."""

    def __init__(self, store: EventStore, journal: Journal) -> None:
        self._store = store
        self._journal = journal
        self._bells: set[asyncio.Event] = set()
        journal.on_commit(self._ring)

    def _ring(self, _records: tuple[Record, ...]) -> None:
        for bell in self._bells:
            bell.set()

    async def page(self, query: EventFilter) -> list[EventView]:
        """The events that match, at most ``query.limit``."""
        return await anyio.to_thread.run_sync(self._page, query)

    def _page(self, query: EventFilter) -> list[EventView]:
        wanted = _chooser(query)
        plain = _store_query(query, None if _is_narrow(query) else query.limit)
        views = (event_view(record) for record in self._store.read(plain))
        return list(islice((view for view in views if wanted(view)), query.limit))

    async def stream(self, query: EventFilter) -> AsyncIterator[EventView]:
        """Events after ``query.after`` as they become durable, for ever. Nothing is kept in
        memory for a slow reader: it reads on from the log where it stands."""
        bell = asyncio.Event()
        self._bells.add(bell)
        wanted = _chooser(query)
        after = query.after
        try:
            while True:
                bell.clear()
                query = msgspec.structs.replace(query, after=after)
                records = await anyio.to_thread.run_sync(self._chunk, query)
                for record in records:
                    after = record.seq
                    view = event_view(record)
                    if wanted(view):
                        yield view
                if len(records) < _CHUNK:
                    await bell.wait()
        finally:
            self._bells.discard(bell)

    def _chunk(self, query: EventFilter) -> list[Record]:
        return list(self._store.read(_store_query(query, _CHUNK)))

    # --- one intent ---------------------------------------------------------------------------

    async def decision(self, intent_id: str, *, trace: bool) -> Decision:
        """The answer that the log holds, with its trace if that is wanted; ``NotFound`` without
        one."""
        asked, decided, _ = await self.events_of(intent_id)
        policy = await anyio.to_thread.run_sync(self._policy_at, decided.seq)
        decision = _decision(intent_id, decided, policy)
        return _traced(decision, asked, decided, policy) if trace else decision

    async def events_of(self, intent_id: str) -> tuple[Event, Event, Event | None]:
        """The question, the answer, and the report if there is one."""
        found = await anyio.to_thread.run_sync(self._events_of, intent_id)
        if found is None:
            raise NotFound(
                f"no intent {intent_id}; ratelord events --type intent_decided lists some",
                code="unknown_intent",
            )
        return found

    def _events_of(self, intent_id: str) -> tuple[Event, Event, Event | None] | None:
        try:
            event_id = uuid_bytes(intent_id)
        except ValueError:
            return None
        asked = self._store.find(event_id)
        if asked is None or asked.event_type != "intent_submitted":
            return None
        related = EventQuery(after=asked.seq, correlation_id=event_id)
        by_type: dict[type, Event] = {}
        for record in self._store.read(related):
            event = open_record(record)
            by_type.setdefault(type(event.payload), event)
        decided = by_type.get(IntentDecided)
        if decided is None:
            return None
        return open_record(asked), decided, by_type.get(IntentReported)

    async def explain(self, intent_id: str) -> dict[str, Any]:
        """Why an intent was decided as it was."""
        asked, decided, reported = await self.events_of(intent_id)
        policy = await anyio.to_thread.run_sync(self._policy_at, decided.seq)
        decision = _traced(_decision(intent_id, decided, policy), asked, decided, policy)
        intent = _intent(asked)
        report = None if reported is None else _report(reported)
        overrides = await anyio.to_thread.run_sync(self._overrides_of, intent_id)
        view = decision_view(decision, trace=True)
        return {
            "intent_id": intent_id,
            "intent": intent,
            "decision": msgspec.to_builtins(view),
            "policy_version": decision.policy_version,
            "report": report,
            "overrides": overrides,
            "story": told(intent, decision, report, overrides),
        }

    def _overrides_of(self, intent_id: str) -> list[dict[str, Any]]:
        """Which humans allowed it after all, and what came of that."""
        about = EventQuery(types=("policy_overridden",), correlation_id=uuid_bytes(intent_id))
        return [_override(open_record(record)) for record in self._store.read(about)]

    def _policy_at(self, seq: int) -> PolicyUpdated | None:
        """The policy that was in force when an event was written."""
        query = EventQuery(types=("policy_updated",), before=seq, newest_first=True, limit=1)
        for record in self._store.read(query):
            payload = open_record(record).payload
            return payload if isinstance(payload, PolicyUpdated) else None
        return None


def _decision(intent_id: str, decided: Event, policy: PolicyUpdated | None) -> Decision:
    payload = decided.payload
    assert isinstance(payload, IntentDecided)  # noqa: S101 - narrows what _events_of chose by type
    version = "" if policy is None else policy.version
    return decision_of(intent_id, decided.ts_event, payload, version)


def _traced(
    decision: Decision, asked: Event, decided: Event, policy: PolicyUpdated | None
) -> Decision:
    """The decision with every rule that was looked at."""
    question, answer = asked.payload, decided.payload
    assert isinstance(question, IntentSubmitted)  # noqa: S101 - as above
    assert isinstance(answer, IntentDecided)  # noqa: S101 - as above
    if policy is None or not answer.looked:
        return decision
    saw = seen(answer) | values_asked(asked.dimensions, question.urgency)
    document = from_canonical(policy.document)
    trace = rules_told(document, answer.looked, answer.held, saw)
    trace += told_again(document, answer.again, answer.modifications)
    return msgspec.structs.replace(decision, trace=trace)


def _intent(asked: Event) -> dict[str, Any]:
    payload = asked.payload
    assert isinstance(payload, IntentSubmitted)  # noqa: S101 - narrows what _events_of chose by type
    who = msgspec.structs.asdict(asked.dimensions)
    said = {
        name: value
        for name, value in msgspec.structs.asdict(payload).items()
        if name not in {"key", "body", "run", "task"} and value not in (None, "", {})
    }
    return {**who, **said, "asked_at": timestamp(asked.ts_event), "door": asked.source.origin_kind}


def _report(reported: Event) -> dict[str, Any]:
    payload = reported.payload
    assert isinstance(payload, IntentReported)  # noqa: S101 - narrows what _events_of chose by type
    return {
        "outcome": payload.outcome,
        "settled": dict(payload.settled),
        "late": payload.late,
        "reported_at": timestamp(reported.ts_event),
    }


def _override(overridden: Event) -> dict[str, Any]:
    told_of = msgspec.structs.asdict(overridden.payload)
    door = overridden.source.origin_kind
    return {**told_of, "at": timestamp(overridden.ts_event), "door": door}


def _is_narrow(query: EventFilter) -> bool:
    return query.pool is not None or any(getattr(query, name) for name in _DIMENSIONS)


def _store_query(query: EventFilter, limit: int | None) -> EventQuery:
    fields = {name: getattr(query, name) for name in EventQuery.__struct_fields__}
    return EventQuery(**{**fields, "limit": limit})


def _chooser(query: EventFilter) -> Callable[[EventView], bool]:
    wanted = {name: getattr(query, name) for name in _DIMENSIONS if getattr(query, name)}
    pool = query.pool

    def choose(view: EventView) -> bool:
        if any(view.dimensions[name] != value for name, value in wanted.items()):
            return False
        return pool is None or pool in _pools_of(view)

    return choose


def _pools_of(view: EventView) -> set[str]:
    """The pools that an event speaks of, wherever its payload names them."""
    payload = view.payload
    lines: Iterable[Any] = [*payload.get("holds", ()), *payload.get("observations", ())]
    named = {line["pool"] for line in lines if "pool" in line}
    named |= {f"{o['provider_id']}/{o['pool_id']}" for o in lines if "pool_id" in o}
    named |= {line[0] for line in payload.get("settled", ())}
    named |= {line[1] for line in payload.get("expired", ())}
    for field in ("pool", "observation"):
        value = payload.get(field)
        if isinstance(value, str):
            named.add(value)
        elif isinstance(value, dict):
            named.add(f"{value['provider_id']}/{value['pool_id']}")
    return named
