"""Over-admissions, found by anybody who can read the log: it is folded anew and judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from heapq import heappop, heappush

from ratelord_core.engine import State
from ratelord_core.events.envelope import Event
from ratelord_core.events.payloads import (
    ConfigLoaded,
    ConstraintObserved,
    IntentDecided,
    IntentReported,
    ProviderPollObserved,
    UsageObserved,
)
from ratelord_core.model.ids import pool_key
from ratelord_core.model.instant import Micros


class LogAudit:
    """Folds a log. An approval must leave used + held within the capacity when it starts, unless a
    fact came between the promise and the start. Decisions up to the
    event with number ``before`` are not judged."""

    def __init__(self, state: State, before: int) -> None:
        self.state = state
        self.over: Counter[str] = Counter()
        self._before = before
        self._facts: Counter[str] = Counter()
        self._promised: list[tuple[Micros, int, str, int]] = []

    def read(self, events: Iterable[Event]) -> None:
        """Fold them all, in order."""
        for event in events:
            self._let_begin(event.ts_event)
            self._note_facts(event)
            self.state.replay(event)
            if isinstance(event.payload, IntentDecided) and event.seq > self._before:
                self._decided(event, event.payload)

    def _decided(self, event: Event, payload: IntentDecided) -> None:
        for line in payload.holds:
            if not line.units:
                continue
            if payload.start == 0:
                self._judge(line.pool, event.ts_event)
                continue
            begins = event.ts_event + payload.start
            heappush(self._promised, (begins, event.seq, line.pool, self._facts[line.pool]))

    def _let_begin(self, now: Micros) -> None:
        while self._promised and self._promised[0][0] < now:
            begins, _, pool, facts = heappop(self._promised)
            if self._facts[pool] == facts:
                self._judge(pool, begins)

    def _judge(self, pool: str, at: Micros) -> None:
        account = self.state.ledger.account(pool, at)
        figures, capacity = account.figures(at), account.capacity
        if account.pool.soft:
            return  # such a cap warns, and is passed on purpose
        if capacity is not None and figures.used + figures.held > capacity:
            self.over[pool] += 1

    def _note_facts(self, event: Event) -> None:
        payload = event.payload
        if isinstance(payload, ProviderPollObserved):
            seen = payload.observations
            self._facts.update(pool_key(one.provider_id, one.pool_id) for one in seen)
        elif isinstance(payload, UsageObserved):
            one = payload.observation
            self._facts[pool_key(one.provider_id, one.pool_id)] += 1
        elif isinstance(payload, (ConstraintObserved, ConfigLoaded)):
            self._facts.update(list(self.state.ledger.accounts))
        elif isinstance(payload, IntentReported):
            self._note_report(event, payload)

    def _note_report(self, event: Event, payload: IntentReported) -> None:
        """More than was held, or earlier, or after it had expired: a fact for those pools."""
        hold = self.state.ledger.find(event.intent_id)
        if hold is None:
            return
        for pool, units in payload.settled:
            leg = hold.legs.get(pool)
            if leg is None or units > leg.units or hold.start > event.ts_event:
                self._facts[pool] += 1
