"""The life of an intent: submitted, decided, reported, extended, expired."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ratelord_core.engine import steering
from ratelord_core.engine.receipt import Receipt
from ratelord_core.events.payloads import (
    HoldExpired,
    HoldExtended,
    IntentDecided,
    IntentReported,
    IntentSubmitted,
)
from ratelord_core.ledger import Party, Settlement
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.instant import Micros
from ratelord_core.model.pool import MONEY, declared_key
from ratelord_core.projections.answers import Answer

if TYPE_CHECKING:
    from ratelord_core.engine.state import State

_NO_ROOM = frozenset({"pool_exhausted", "budget_exceeded", "wait_too_long"})
"""Why an answer waits, or is no, where there is no room."""


_HELD_BACK = frozenset(
    {"policy", "pool_exhausted", "risk_too_high", "budget_exceeded", "wait_too_long"}
)
"""Denials after which zero usage is not zero demand."""


def submitted(
    state: State, at: Micros, who: Dimensions, intent_id: str, e: IntentSubmitted
) -> None:
    """A question was asked; the answer is the next event of this intent."""
    state.graph.admit(who)
    state.identities.touch(who.identity_id, at)
    state.asked, state.asked_as = (intent_id, e), who.identity_id


def decided(state: State, at: Micros, who: Dimensions, intent_id: str, e: IntentDecided) -> None:
    """It was answered: what was promised is held, and a key is remembered with its answer."""
    asked = state.asked[1] if state.asked is not None and state.asked[0] == intent_id else None
    if e.reason_code in _NO_ROOM and isinstance(e.tightest, str):
        _queue_up(state, who, e.tightest, at)
    if e.holds:
        _hold(state, at, who, intent_id, asked, e)
    elif e.decision != "deny_with_reason":
        _count(state, who, asked, e)
    elif e.reason_code in _HELD_BACK:
        _refuse(state, at, who, asked, e)
    if state.pacing.active:
        _pace(state, at, who, asked, e)
    if asked is not None and asked.key:
        _remember(state, asked, intent_id, e, at)


def _refuse(
    state: State, at: Micros, who: Dimensions, asked: IntentSubmitted | None, e: IntentDecided
) -> None:
    """Forecasts of the pools that turned it away hear that more was wanted. One whose controller
    merely spaces its starts has not run dry."""
    party, no_room = (who.agent_id, who.identity_id, who.scope_id), e.reason_code in _NO_ROOM
    wanted = {line.pool: line.units for line in e.paced}
    pools = _impatient(state, asked, e)
    if not pools and isinstance(e.tightest, str) and e.tightest:
        pools = {e.tightest}
    for pool in sorted(pools):
        room = not no_room or (pool in wanted and _fits(state, pool, wanted[pool], at))
        state.book.refused(pool, at, party, room=room)


def _fits(state: State, pool: str, units: int, at: Micros) -> bool:
    known = pool in state.ledger.accounts
    return known and state.ledger.account(pool, at).figures(at).available >= units


def _impatient(state: State, asked: IntentSubmitted | None, e: IntentDecided) -> set[str]:
    """The pools whose controllers would have let it start later than it may."""
    patience = None if asked is None else asked.max_wait
    most = state.settings.default_max_wait if patience is None else patience
    return {line.pool for line in e.paced if line.wait > most}


def _hold(
    state: State,
    at: Micros,
    who: Dimensions,
    intent_id: str,
    asked: IntentSubmitted | None,
    e: IntentDecided,
) -> None:
    asker = state.asker(who, urgent=asked is not None and asked.urgency == "high")
    hold = state.ledger.place(intent_id, asker, e.holds, at + e.start, at)
    hold.note = _count(state, who, asked, e)
    if asked is not None and e.modifications:
        hold.asked_as = state.asked_as
    _burn(state, e, asker.party, at)


def _count(
    state: State, who: Dimensions, asked: IntentSubmitted | None, e: IntentDecided
) -> Receipt | None:
    """What was approved counts under its names, where somebody may want to know."""
    if asked is None or not (state.prices.lists or asked.run or asked.task):
        return None
    units = _units(state, [(line.pool, line.units) for line in e.holds])
    receipt = Receipt.of(asked, e, who.agent_id, units)
    state.spending.add(receipt.keys, receipt.spent)
    return receipt


def _remember(
    state: State, asked: IntentSubmitted, intent_id: str, e: IntentDecided, at: Micros
) -> None:
    """Who asks with the same key again gets the same answer."""
    allowed = e.decision != "deny_with_reason"
    answer = Answer(asked.body, intent_id, at + e.until if allowed else None)
    state.answers.forget(at - state.settings.idempotency_ttl)
    state.answers.remember(asked.key, answer, at)


def _burn(state: State, e: IntentDecided, party: Party, at: Micros) -> None:
    """Forecasts hear what was asked for; and how a window that never ends stands then, because
    nobody says when it runs dry."""
    for line in e.holds:
        if state.book.observe(line.pool, at, line.units, party):
            figures = state.ledger.account(line.pool, at).figures(at)
            waits = figures.scheduled > 0
            state.book.stood(line.pool, at, figures.available, line.units, waits=waits)


def _units(state: State, drawn: Iterable[tuple[str, int]]) -> int:
    """The largest draw, but for money."""
    accounts = state.ledger.accounts
    units = [n for pool, n in drawn if pool in accounts and accounts[pool].pool.unit != MONEY]
    return max(units, default=0)


def _pace(
    state: State, at: Micros, who: Dimensions, asked: IntentSubmitted | None, e: IntentDecided
) -> None:
    """What controllers gave away is taken; those of its pools see how these stand now. Whoever was
    turned away wanted something only of the pools that did so: elsewhere it would have kept a place
    that it cannot take."""
    if e.decision != "deny_with_reason":
        steering.answered(state, at, who.agent_id, e.paced, allowed=True)
    elif e.paced:
        by = _impatient(state, asked, e)
        lines = tuple([line for line in e.paced if line.pool in by]) if by else e.paced
        steering.answered(state, at, who.agent_id, lines, allowed=False)
    for line in e.holds:
        steering.tell(state, line.pool, at)


def _queue_up(state: State, who: Dimensions, pool: str, at: Micros) -> None:
    """Who was turned away for want of room is active there as well: what a later window holds is
    shared with it, or whoever asks a moment earlier would get everything, again and again."""
    account = state.ledger.accounts.get(pool)
    if account is not None:
        account.touch(state.asker(who, urgent=False), at)


def reported(
    state: State, at: Micros, who: Dimensions, intent_id: str, e: IntentReported
) -> Settlement | None:
    """What it really cost became known; how its holds ended."""
    hold = state.ledger.find(intent_id)
    if hold is None:
        return None
    receipt: Receipt | None = hold.note
    if receipt is not None:
        counted = receipt.correction(_units(state, e.settled), e.cost)
        state.spending.add(receipt.keys, counted)
    settlement = state.ledger.settle(intent_id, dict(e.settled), at, e.body)
    for line in settlement.lines:
        if state.pacing.active:
            _steer(state, line.pool, at, e.outcome)
        if line.used != line.held:
            state.book.observe(line.pool, at, line.used - line.held, hold.asker.party)
    if e.learn:
        for pool, units in e.settled:
            if pool not in e.assumed:
                state.costs.learn(who.workload_id, declared_key(pool), units)
    return settlement


def _steer(state: State, pool: str, at: Micros, outcome: str) -> None:
    if outcome == "rate_limited":
        steering.alarm(state, pool, at)
    steering.tell(state, pool, at)


def extended(state: State, at: Micros, _who: Dimensions, _id: str, e: HoldExtended) -> None:
    """Its holds live longer."""
    state.ledger.extend(e.intent_id, e.expires_at, at)


def expired(state: State, _at: Micros, _who: Dimensions, _id: str, e: HoldExpired) -> None:
    """What had ended unreported is written down now."""
    for intent_id, pool, _, _ in e.expired:
        state.expired.pop((intent_id, pool), None)


FOLDS: dict[type, Any] = {
    IntentSubmitted: submitted,
    IntentDecided: decided,
    IntentReported: reported,
    HoldExtended: extended,
    HoldExpired: expired,
}
