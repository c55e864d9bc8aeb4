"""The arbiter that lives beside its engine: what is told of intents once they were answered, and
what is seen in passing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from hashlib import sha256
from weakref import WeakValueDictionary

import msgspec

from ratelord_core.clock import Clock
from ratelord_core.engine import Engine, State
from ratelord_core.errors import (
    Conflict,
    NotFound,
    ProviderFailed,
)
from ratelord_core.events.payloads import IntentDecided, IntentReported
from ratelord_core.journal import Journal
from ratelord_core.local_questions import LocalQuestions
from ratelord_core.model.caller import Caller
from ratelord_core.model.ids import uuid_bytes
from ratelord_core.model.instant import Micros, to_text
from ratelord_core.model.intent import Report
from ratelord_core.model.observation import Observation
from ratelord_core.model.views import (
    ExtendView,
    ObservedView,
    ReportView,
)
from ratelord_core.overriding import must_own
from ratelord_core.store import EventStore
from ratelord_core.surroundings import Surroundings

_log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder(order="sorted").encode


class LocalArbiter(LocalQuestions):
    """Implements ``Arbiter`` over an engine, a journal and a store."""

    def __init__(
        self,
        engine: Engine,
        journal: Journal,
        store: EventStore,
        clock: Clock,
        around: Surroundings,
    ) -> None:
        super().__init__(engine, journal, store, clock, around)
        self._late: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """Reports that are looked up in the log, by intent: one at a time for each."""

    def adopt(self, state: State) -> None:
        """Go on with a state that was rebuilt from the log."""
        before = self.engine
        state.polling.intervals = before.state.polling.intervals
        self.engine = Engine(state, before.policy, before.entropy)
        self.engine.negotiator.watcher = before.negotiator.watcher
        self.engine.observer.overrides = before.observer.overrides
        self.engine.observer.members = before.observer.members
        self.engine.reader.hidden = before.reader.hidden

    # --- writing ------------------------------------------------------------------------------

    async def _settled_before(self) -> None:
        """Until all that was decided so far is durable: whoever repeats a report is told so only
        when the first one is safe."""
        await self.journal.write(self.engine.take())

    # --- report -------------------------------------------------------------------------------

    async def report(self, intent_id: str, report: Report, caller: Caller) -> ReportView:
        self._gate()
        self._may_touch(intent_id, caller)
        digest = sha256(_encode(report)).hexdigest()[:16]
        now = self.clock.now()
        reported = self.engine.settler.report(intent_id, report, digest, now, caller.door)
        if reported is None:
            lock = self._late.setdefault(intent_id, asyncio.Lock())
            async with lock:
                return await self._report_forgotten(intent_id, report, digest, caller)
        if reported.duplicate:
            await self._settled_before()
            return reported.view(intent_id, report.outcome, ())
        warnings = self._take_headers(intent_id, report, now, caller)
        await self.flush()
        return reported.view(intent_id, report.outcome, warnings)

    def _may_touch(self, intent_id: str, caller: Caller) -> None:
        """An agent's token settles its own identity's intents only."""
        hold = self.engine.state.ledger.find(intent_id)
        if caller.role != "agent" or caller.identity_id is None or hold is None:
            return
        if hold.owner != caller.identity_id:
            raise NotFound(f"no intent {intent_id} of {caller.identity_id}", code="unknown_intent")

    async def _report_forgotten(
        self, intent_id: str, report: Report, digest: str, caller: Caller
    ) -> ReportView:
        """A report on an intent that holds nothing any more: the log knows it, or nobody does."""
        asked, decided, before = await self._log.events_of(intent_id)
        must_own(asked, caller)
        if isinstance(decided.payload, IntentDecided) and decided.payload.decision.startswith(
            "deny"
        ):
            raise Conflict(
                f"intent {intent_id} was denied; there is nothing to report", code="denied"
            )
        if before is not None and isinstance(before.payload, IntentReported):
            if before.payload.body != digest:
                raise Conflict(
                    f"intent {intent_id} was already reported with other content",
                    code="report_differs",
                )
            return ReportView(intent_id, report.outcome, (), late=False, duplicate=True)
        self._gate()
        event = IntentReported(outcome=report.outcome, late=True, body=digest)
        self.engine.scribe.write(
            self.clock.now(),
            event,
            asked.dimensions,
            door=caller.door,
            intent_id=uuid_bytes(intent_id),
        )
        await self.flush()
        return ReportView(intent_id, report.outcome, (), late=True, duplicate=False)

    def _take_headers(
        self, intent_id: str, report: Report, now: Micros, caller: Caller
    ) -> tuple[str, ...]:
        """Limits that the provider's response headers tell, dated the hold's start."""
        hold = self.engine.state.ledger.find(intent_id)
        if not report.headers or hold is None:
            return ()
        accounts = set(map(self.engine.state.polling.account_of, (*hold.legs, *hold.resolved)))
        unread = []
        for account_id in sorted(accounts):
            dated = min(hold.start, now)
            try:
                seen = self._around.read_headers(account_id, report.headers, dated)
            except Exception:  # noqa: BLE001 - a plugin's trouble must not lose the report
                _log.exception("provider %s could not read response headers", account_id)
                unread.append(f"provider {account_id} could not read the headers")
                continue
            self.engine.observer.in_passing(seen or (), now, "headers", caller.door)
        return tuple(unread)

    async def extend(self, intent_id: str, span: Micros, caller: Caller) -> ExtendView:
        self._gate()
        self._may_touch(intent_id, caller)
        end = self.engine.settler.extend(intent_id, span, self.clock.now(), caller.door)
        await self.flush()
        return ExtendView(intent_id, to_text(end))

    # --- observe ------------------------------------------------------------------------------

    async def observe(self, observations: Sequence[Observation], caller: Caller) -> ObservedView:
        self._gate()
        if caller.role == "agent":
            self.engine.observer.know(observations)
        return await self._observed(observations, caller)

    async def _observed(self, seen: Sequence[Observation], caller: Caller) -> ObservedView:
        now = self.clock.now()
        pools = self.engine.observer.in_passing(seen, now, "observation", caller.door)
        await self.flush()
        return ObservedView(len(pools), pools)

    async def observe_headers(
        self, provider_id: str, headers: Mapping[str, str], dated: Micros, caller: Caller
    ) -> ObservedView:
        self._gate()
        try:
            seen = self._around.read_headers(provider_id, headers, dated)
        except ProviderFailed as error:
            raise Conflict(f"provider {provider_id}: {error}", code="provider_failed") from error
        if seen is None:
            raise NotFound(f"provider {provider_id} is not configured", code="unknown_provider")
        return await self._observed(seen, caller)
