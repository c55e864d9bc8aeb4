"""Asking the arbiter beside its engine: decide, write down, answer; in this order."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from ratelord_core.clock import Clock
from ratelord_core.correlation import CURRENT
from ratelord_core.engine import Engine
from ratelord_core.engine.negotiator import Repeated
from ratelord_core.journal import Journal, at_once
from ratelord_core.local_administration import LocalAdministration
from ratelord_core.model.caller import Caller
from ratelord_core.model.decision import Decision
from ratelord_core.model.instant import SECOND, Micros
from ratelord_core.model.intent import Intent
from ratelord_core.overriding import denial_of
from ratelord_core.store import EventStore
from ratelord_core.surroundings import Surroundings

_TURN: Final[Micros] = SECOND // 100
"""How long a batch may keep others waiting before it makes way."""


class _Batch(msgspec.Struct):
    """Intents that were asked together, those decided so far, and what is to be durable first."""

    intents: Sequence[Intent]
    door: str
    decided: list[Decision | Repeated] = []
    writes: list[asyncio.Future[Any]] = []

    @property
    def is_done(self) -> bool:
        """Whether every intent is decided."""
        return len(self.decided) == len(self.intents)

    @property
    def is_keyed(self) -> bool:
        """Whether one of them may be asked again, or was asked before."""
        return any(one.idempotency_key is not None for one in self.intents)


class LocalQuestions(LocalAdministration):
    """Answers intents. Whoever repeats one gets the first answer, once that is durable."""

    def __init__(
        self,
        engine: Engine,
        journal: Journal,
        store: EventStore,
        clock: Clock,
        around: Surroundings,
    ) -> None:
        super().__init__(engine, journal, store, clock, around)
        self._in_flight: dict[str, asyncio.Future[Any]] = {}
        self.decided: Counter[tuple[str, str]] = Counter()
        """Decisions since the start, by (decision, reason code)."""

    # --- one ----------------------------------------------------------------------------------

    async def ask(self, intent: Intent, caller: Caller) -> Decision:
        return await self.begin(intent, caller)

    def begin(self, intent: Intent, caller: Caller) -> asyncio.Future[Decision]:
        if self.phase != "running" or self.journal.failed is not None:
            self._gate(asking=True)
        decided = self.engine.negotiator.negotiate(intent, self.clock.now(), caller.door)
        return self._given(decided, intent)

    async def override(self, intent_id: str, by: str, reason: str, caller: Caller) -> Decision:
        self._gate(asking=True)
        denial = await denial_of(self._log, intent_id, caller)
        with self.noted("intent.override", intent_id, caller):
            now = self.clock.now()
            decided = self.engine.overrider.override(denial, by, reason, now, caller.door)
        return await self._given(decided, denial.intent)

    def _given(self, decided: Decision | Repeated, intent: Intent) -> asyncio.Future[Decision]:
        """The answer, once it is durable."""
        if isinstance(decided, Repeated):
            first = self._first_answer(decided.intent_id, trace=intent.debug)
            return asyncio.ensure_future(first)
        self.decided[decided.decision, decided.reason_code] += 1
        drafts = self.engine.scribe.take()
        named = CURRENT.get(None)
        if named is not None:
            named.intent_id, named.decision = decided.intent_id, decided.decision
            if drafts:
                named.event_id = drafts[-1].event_id
        if not drafts:
            return at_once(decided)
        written = self.journal.write_for(drafts, decided)
        if intent.idempotency_key is None or intent.dry_run:
            return written
        self._remember_flight(decided.intent_id, written)
        # Whoever goes away must not cancel what a repeated question waits for.
        return asyncio.shield(written)

    def _remember_flight(self, intent_id: str, written: asyncio.Future[Any]) -> None:
        self._in_flight[intent_id] = written
        written.add_done_callback(lambda _: self._in_flight.pop(intent_id, None))

    async def _first_answer(self, intent_id: str, *, trace: bool) -> Decision:
        """The answer given before, once it is durable; what befell its commit befalls us too."""
        flight = self._in_flight.get(intent_id)
        if flight is not None:
            await asyncio.shield(flight)
        return await self._log.decision(intent_id, trace=trace)

    # --- many ---------------------------------------------------------------------------------

    async def ask_batch(self, intents: Sequence[Intent], caller: Caller) -> list[Decision]:
        return await self.begin_batch(intents, caller)

    def begin_batch(
        self, intents: Sequence[Intent], caller: Caller
    ) -> asyncio.Future[list[Decision]]:
        self._gate(asking=True)
        self.engine.negotiator.vet(intents, self.clock.now())
        batch = _Batch(intents, caller.door)
        try:
            self._take_turn(batch)
        except Exception as error:  # noqa: BLE001 (some of it is decided: nobody may ask it over)
            failed: asyncio.Future[list[Decision]] = asyncio.get_running_loop().create_future()
            failed.set_exception(error)
            return failed
        if batch.is_done and not batch.is_keyed:
            return batch.writes[0] if batch.writes else at_once(_all_decided(batch))
        rest = asyncio.ensure_future(self._finish(batch))
        # Whoever goes away leaves nothing half decided, and no failure that nobody looks at.
        rest.add_done_callback(lambda done: done.cancelled() or done.exception())
        return asyncio.shield(rest)

    def _take_turn(self, batch: _Batch) -> None:
        """Decide one after another, for as long as others may be kept waiting: the order of
        deciding is the order of the log."""
        negotiate, clock, door = self.engine.negotiator.negotiate, self.clock, batch.door
        decided, told = batch.decided, len(batch.decided)
        now = clock.now()
        try:
            for intent in batch.intents[told:]:
                one = negotiate(intent, now, door)
                decided.append(one)
                if isinstance(one, Decision):
                    self.decided[one.decision, one.reason_code] += 1
                if clock.now() - now >= _TURN:
                    break
        finally:  # what failed in the middle has decided what was before it
            self._write_turn(batch, told)

    def _write_turn(self, batch: _Batch, told: int) -> None:
        """Have what was decided from there on written down."""
        drafts = self.engine.take()
        if drafts:
            written = self.journal.write_for(drafts, batch.decided)
            batch.writes.append(written)
            for intent, one in zip(batch.intents[told:], batch.decided[told:], strict=False):
                if intent.idempotency_key and isinstance(one, Decision) and not intent.dry_run:
                    self._remember_flight(one.intent_id, written)

    async def _finish(self, batch: _Batch) -> list[Decision]:
        """What takes long (many intents, or many pools each) makes way for others again and again;
        then all wait for what was written."""
        while not batch.is_done:
            await asyncio.sleep(0)
            self._gate(asking=True)
            self._take_turn(batch)
        for written in batch.writes:
            await written
        return [
            await self._first_answer(one.intent_id, trace=intent.debug)
            if isinstance(one, Repeated)
            else one
            for intent, one in zip(batch.intents, batch.decided, strict=True)
        ]


def _all_decided(batch: _Batch) -> list[Decision]:
    return [one for one in batch.decided if isinstance(one, Decision)]
