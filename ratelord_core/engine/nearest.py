"""The nearest change with which a denied intent would have been allowed: found by asking again.

Nothing is foreseen or estimated: each change is put to the same deciding, on a copy of the state as
it was, in which nobody else asks meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy, deepcopy

import msgspec
from msgspec.structs import replace

from ratelord_core.engine.answering import span_text
from ratelord_core.engine.negotiator import Negotiator
from ratelord_core.engine.scribe import Scribe
from ratelord_core.engine.state import State
from ratelord_core.errors import InvalidRequest
from ratelord_core.events.payloads import IntentDecided
from ratelord_core.model.ids import Entropy
from ratelord_core.model.instant import DAY, HOUR, MINUTE, SECOND, Micros
from ratelord_core.model.intent import Intent
from ratelord_core.model.pool import MONEY
from ratelord_core.policy.stack import PolicyStack

_LADDER = (
    *(n * SECOND for n in (1, 2, 5, 10, 20, 40)),
    *(n * MINUTE for n in (1, 2, 5, 10, 20, 40)),
    *(n * HOUR for n in (1, 2, 4, 8, 16)),
    *(n * DAY for n in (1, 2, 7, 31)),
)
"""Delays that are tried: between two of them the first that works is sought."""
_MOST_IDENTITIES = 20
_OFFERED = 3


class Change(msgspec.Struct, frozen=True):
    """One thing that, had it been otherwise, would have got an approval. ``kind``: later (value in
    seconds), fewer (units), identity, urgency, patience (seconds), rule (policy/rule)."""

    kind: str
    value: float | str
    text: str


def nearest(
    state: State, policy: PolicyStack, entropy: Entropy, intent: Intent, now: Micros
) -> tuple[Change, ...]:
    """What would have been enough, one change at a time; nothing if the intent is allowed as it
    is, or if no single change helps. ``state`` is left as it was."""
    question = replace(intent, idempotency_key=None, dry_run=True, debug=False)
    try:
        return tuple(_Search(state, policy, entropy, question, now).changes())
    except InvalidRequest:  # the pool that it pins is not there any more
        return ()


class _Again(Negotiator):
    """A negotiator on a copy of the state. Time goes on in the copy only."""

    def __init__(
        self, state: State, policy: PolicyStack, entropy: Entropy, *, polled: bool = False
    ) -> None:
        """``polled``: providers go on telling of their pools as time goes on."""
        other = copy(state)
        other.ledger = deepcopy(state.ledger)
        other.polling = state.polling.over(other.ledger)
        if polled:
            other.polling.intervals = {}
        other.book = state.book.apart(state.ledger.accounts)
        other.expired, other.ended = dict(state.expired), dict(state.ended)
        super().__init__(other, policy, entropy, Scribe(other, entropy))

    def answer(
        self, intent: Intent, at: Micros, waived: tuple[str, str] | None = None
    ) -> IntentDecided:
        """What would be answered."""
        return self._decide(intent, at, waived)[0]

    def allows(self, intent: Intent, at: Micros, waived: tuple[str, str] | None = None) -> bool:
        """Whether it would be approved, with modifications or without."""
        return self.answer(intent, at, waived).decision != "deny_with_reason"

    def units(self, intent: Intent) -> dict[str, int]:
        """Units by pool, but for money, which follows."""
        needs = self._course(intent).needs(intent, self.state)
        accounts = self.state.ledger.accounts
        return {each.pool: each.units for each in needs if accounts[each.pool].pool.unit != MONEY}

    def stale(self, intent: Intent, at: Micros) -> bool:
        """Whether any of its pools has not been told of for too long."""
        lanes = self._course(intent).lanes
        return any(self.state.polling.is_stale(lane.pool, at) for lane in lanes)

    def resets(self, intent: Intent, at: Micros) -> Iterator[Micros]:
        """How far away the resets of its pools are."""
        for lane in self._course(intent).lanes:
            reset_at = self.state.ledger.account(lane.pool, at).figures(at).reset_at
            if reset_at is not None and reset_at > at:
                yield reset_at - at


class _Search:
    """Asks again in other words, at other times, in other names."""

    def __init__(
        self, state: State, policy: PolicyStack, entropy: Entropy, intent: Intent, now: Micros
    ) -> None:
        self._parts = (state, policy, entropy)
        self._intent = intent
        self._now = now
        self._again = _Again(*self._parts)

    def changes(self) -> Iterator[Change]:
        denied = self._again.answer(self._intent, self._now)
        if denied.decision != "deny_with_reason":
            return
        yield from self._later(denied)
        yield from self._fewer()
        yield from self._as_another()
        yield from self._otherwise(denied)

    def _ask(self, intent: Intent, waived: tuple[str, str] | None = None) -> bool:
        try:
            return self._again.allows(intent, self._now, waived)
        except InvalidRequest:
            return False

    # --- the same, later ----------------------------------------------------------------------

    def _later(self, denied: IntentDecided) -> Iterator[Change]:
        told = () if denied.retry_after is None else (denied.retry_after,)
        resets = [span + SECOND for span in self._again.resets(self._intent, self._now)]
        before, ahead = 0, self._ahead()
        for delay in sorted({*_LADDER, *told, *resets}):
            if delay <= 0:
                continue
            if ahead.allows(self._intent, self._now + delay):
                first = self._first(before, delay)
                yield Change("later", first / SECOND, f"{span_text(first)} later")
                return
            before = delay

    def _ahead(self) -> _Again:
        """The state as it may be later. Data that are fresh stay so; when those that are not will
        come, nobody knows."""
        fresh = not self._again.stale(self._intent, self._now)
        return _Again(*self._parts, polled=fresh)

    def _first(self, low: Micros, high: Micros) -> Micros:
        """The first whole second between a delay that is too short and one that is not; for long
        delays a little after it."""
        while high - low > max(SECOND, high // 1000):
            middle = (low + high) // 2
            if self._ahead().allows(self._intent, self._now + middle):
                high = middle
            else:
                low = middle
        return -(-high // SECOND) * SECOND

    # --- now, otherwise -----------------------------------------------------------------------

    def _fewer(self) -> Iterator[Change]:
        units = self._again.units(self._intent)
        low, high = 0, max(units.values(), default=0)
        while high - low > 1:
            middle = (low + high) // 2
            if self._ask(self._limited(units, middle)):
                low = middle
            else:
                high = middle
        if low:
            yield Change("fewer", low, f"for at most {low} units" if low > 1 else "for 1 unit")

    def _limited(self, units: dict[str, int], most: int) -> Intent:
        """The intent with no draw above ``most``; what is only counted shrinks in proportion."""
        largest = max(units.values())
        costs = {key: cost * most / largest for key, cost in self._intent.costs.items()}
        costs |= {pool: float(min(drawn, most)) for pool, drawn in units.items()}
        return replace(self._intent, expected_cost=None, costs=costs)

    def _as_another(self) -> Iterator[Change]:
        asker = self._intent.agent_id
        names = [
            one.identity_id
            for one in self._parts[0].identities
            if one.status == "active"
            and one.identity_id != self._intent.identity_id
            and (not one.allowed_agents or asker in one.allowed_agents)
        ]
        draws = bool(self._again.units(self._intent))
        found = 0
        for name in sorted(names)[:_MOST_IDENTITIES]:
            other = replace(self._intent, identity_id=name)
            # Who draws from nothing at all is no way out.
            if found < _OFFERED and self._draws(other) >= draws and self._ask(other):
                found += 1
                yield Change("identity", name, f"as identity {name}")

    def _draws(self, intent: Intent) -> bool:
        try:
            return bool(self._again.units(intent))
        except InvalidRequest:
            return False

    def _otherwise(self, denied: IntentDecided) -> Iterator[Change]:
        if self._intent.urgency != "high" and self._ask(replace(self._intent, urgency="high")):
            yield Change("urgency", "high", "with high urgency")
        wait = denied.retry_after
        if wait is not None and self._ask(replace(self._intent, max_wait=wait + SECOND)):
            seconds = -(-wait // SECOND)
            yield Change("patience", float(seconds), f"if it may wait {span_text(wait)}")
        if denied.decided_by is not None and self._ask(self._intent, denied.decided_by):
            name = "/".join(denied.decided_by)
            yield Change("rule", name, f"without rule {name}")
