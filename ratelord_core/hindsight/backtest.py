"""A backtest: a candidate policy, a stretch of the log, and what would have been otherwise."""

from __future__ import annotations

import gc
from collections.abc import Callable, Container, Iterable, Iterator
from typing import Any

import msgspec

from ratelord_core.errors import InvalidRequest, StoreCorrupt
from ratelord_core.events.codec import open_record
from ratelord_core.events.payloads import PolicyOverridden
from ratelord_core.events.record import Record
from ratelord_core.hindsight.candidate import Candidate
from ratelord_core.hindsight.dryness import Spell, without
from ratelord_core.hindsight.own_values import sentence
from ratelord_core.hindsight.past import Past, told_of
from ratelord_core.hindsight.replaying import Hear, Replaying, Waived
from ratelord_core.hindsight.starting import Start, first_since, from_nothing, from_snapshot
from ratelord_core.hindsight.tally import Tally, told_side
from ratelord_core.model.instant import Micros, to_text
from ratelord_core.model.pool import declared_key
from ratelord_core.parts import Parts
from ratelord_core.policy.stack import PolicyStack
from ratelord_core.replay import without_garbage
from ratelord_core.store import EventQuery, EventStore, SnapshotStore

Progress = Callable[[float], None]
"""Hears which part of the log has been replayed."""

_BEAT = 2000
_SPELLS = 50
"""Exhaustions that are listed of each pool."""


class Terms(msgspec.Struct, frozen=True):
    """What to replay: questions asked from ``since`` (included) until ``until`` (not), with the
    state that everything before led to. ``examples`` of each kind of change are listed. Raises
    ``InvalidRequest`` for a span that ends before it begins."""

    since: Micros | None = None
    until: Micros | None = None
    examples: int = 20
    seed: int = 0
    graph: str = "networkx"

    def __post_init__(self) -> None:
        if self.since is not None and self.until is not None and self.until <= self.since:
            raise InvalidRequest(
                f"the span ends (to, {to_text(self.until)}) before it begins (from, "
                f"{to_text(self.since)}): exchange the two"
            )


class Course:
    """One backtest being run, or a shadow that follows a log."""

    def __init__(
        self,
        policy: PolicyStack,
        parts: Parts,
        terms: Terms,
        hear: Hear,
        waived: Waived | None = None,
        told: Container[str] | None = None,
        start: Start | None = None,
    ) -> None:
        self.policy = policy
        self.terms = terms
        self._parts = parts
        self._hear = hear
        self._waived = waived
        model = policy.document.settings.forecast_model
        start = start or from_nothing(parts, model, terms.graph)
        self._past, self._state = Past(start.past, told), start.state
        self.replaying: Replaying | None = None
        self.seq = start.seq
        self.last: Micros = start.state.ledger.now
        """The newest instant that the log has told of."""

    def feed(self, records: Iterable[Record]) -> None:
        """The log's next records. Raises ``StoreCorrupt`` naming the event that cannot be read."""
        since = self.terms.since or 0
        try:
            for record in records:
                self.seq = record.seq
                event = open_record(record)
                if self.replaying is None:
                    if event.ts_event < since:
                        self._past.replay(event)
                        self._state.replay(event)
                        continue
                    self.begin(event.ts_event)
                if self.replaying is not None:
                    self.replaying.feed(event)
                self.last = max(self.last, event.ts_event)
        except (msgspec.DecodeError, LookupError, ValueError) as error:
            raise StoreCorrupt(
                f"event {self.seq} cannot be replayed: {error}; run ratelord events verify"
            ) from error

    def begin(self, now: Micros) -> Replaying:
        """The candidate takes over from here."""
        document = self.policy.document
        candidate = Candidate(
            self._state,
            self.policy,
            self._parts.pools(document),
            self._parts.intervals(document),
            self.terms.seed,
            now,
        )
        self.last = max(self.last, now)
        self.replaying = Replaying(self._past, candidate, self._hear, self._waived)
        return self.replaying

    def finish(self) -> Replaying:
        """The log has ended."""
        replaying = self.replaying or self.begin(self.last)
        replaying.finish(self.last)
        return replaying


def backtest(
    store: EventStore,
    policy: PolicyStack,
    parts: Parts,
    terms: Terms,
    progress: Progress | None = None,
    kept: SnapshotStore | None = None,
) -> dict[str, Any]:
    """What the candidate would have changed, as JSON values. Raises ``InvalidRequest`` if nothing
    was asked in that time, ``StoreCorrupt``. ``kept`` may spare reading what came before it."""
    tally = Tally(terms.examples)
    start = _start(store, policy, parts, terms, kept)
    told = told_of(store, terms.until)
    waived = overridden(store.read(EventQuery(types=(PolicyOverridden.event_type,))))
    course = Course(policy, parts, terms, tally.add, waived, told, start)
    head = store.head().seq
    query = EventQuery(after=course.seq, until=terms.until)
    with without_garbage():
        course.feed(_counted(store.read(query), head, progress))
        done = course.finish()
    if not tally.questions and done.unasked:
        raise InvalidRequest("every question of that time pins a pool that the candidate lacks")
    if not tally.questions:
        raise InvalidRequest(
            "nobody asked anything in that time; ratelord events --type intent_submitted shows "
            "when somebody did"
        )
    return _told(policy, tally, done)


def _start(
    store: EventStore,
    policy: PolicyStack,
    parts: Parts,
    terms: Terms,
    kept: SnapshotStore | None,
) -> Start | None:
    before = first_since(store, terms.since) if terms.since else 0
    if kept is None or not before:
        return None
    model = policy.document.settings.forecast_model
    return from_snapshot(store, kept, parts, model, terms.graph, before)


def overridden(records: Iterable[Record]) -> dict[str, tuple[str, str]]:
    """What humans allowed. It is read first: the log tells of it after the answer."""
    kind = PolicyOverridden.event_type
    told = (open_record(one).payload for one in records if one.event_type == kind)
    return {e.decided: (e.policy_id, e.rule) for e in told if isinstance(e, PolicyOverridden)}


def _counted(records: Iterable[Record], head: int, progress: Progress | None) -> Iterator[Record]:
    for record in records:
        if record.seq % _BEAT == 0:
            gc.collect(0)  # what lasts is not looked at again
            if progress is not None:
                progress(record.seq / max(1, head))
        yield record
    if progress is not None:
        progress(1.0)


def _told(policy: PolicyStack, tally: Tally, done: Replaying) -> dict[str, Any]:
    before, after = told_side(tally.before), told_side(tally.after)
    lumped = done.own_values.told(policy)
    before["cost_microusd"] = done.cost_before
    after["cost_microusd"] = done.candidate.cost
    return {
        "policy": {"version": policy.version, "source": policy.document.source},
        "against": [
            {"version": version, "questions": count} for version, count in done.policies.items()
        ],
        "from": to_text(tally.first),
        "to": to_text(tally.last),
        "questions": tally.questions,
        "changed": tally.changed,
        "changes": {kind: count for kind, count in tally.kinds.items() if kind != "same"},
        "before": before,
        "after": after,
        "rules": tally.rules(),
        "pools": _pools(done),
        "by": tally.by_dimension(),
        "examples": tally.told_examples(),
        "series": tally.series(),
        "lumped": lumped,
        "notes": [*_notes(done), *map(sentence, lumped)],
    }


def _pools(done: Replaying) -> list[dict[str, Any]]:
    candidate = done.candidate
    before, after = done.dry_before.spells, done.dry_after.spells
    used = done.settled_before.keys() | candidate.settled.keys()
    found = []
    for key in sorted(used | before.keys() | after.keys()):
        account = candidate.state.ledger.accounts.get(declared_key(key))
        dry, dry_after = before.get(key, []), after.get(key, [])
        avoided, caused = without(dry, dry_after), without(dry_after, dry)
        found.append(
            {
                "pool": key,
                "unit": done.past.unit(key) if account is None else account.pool.unit,
                "used_before": done.settled_before.get(key, 0),
                "used_after": candidate.settled.get(key, 0),
                "exhaustions_before": len(dry),
                "exhaustions_after": len(dry_after),
                "avoided": _listed(avoided),
                "caused": _listed(caused),
            }
        )
    return found


def _listed(spells: list[Spell]) -> list[dict[str, str]]:
    return [
        {"from": to_text(spell.begin), "to": to_text(max(spell.last, spell.begin))}
        for spell in spells[:_SPELLS]
    ]


def _notes(done: Replaying) -> list[str]:
    found = []
    if done.unasked:
        found.append(
            f"{done.unasked} questions pin a provider or a pool that the candidate does not have; "
            "they are left out"
        )
    if done.unheard:
        found.append(
            f"{done.unheard} observations are about providers that the candidate does not have"
        )
    return found
