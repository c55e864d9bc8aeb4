"""From policy's verdict and the ledger's room to an answer: steps 5 and 6 of deciding."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ratelord_core.engine.answering import span_text
from ratelord_core.engine.moment import Moment
from ratelord_core.engine.state import State
from ratelord_core.ledger import Asker, Need, Proposal
from ratelord_core.model.decision import ReasonCode
from ratelord_core.model.instant import SECOND, Micros
from ratelord_core.model.pool import MONEY
from ratelord_core.policy.verdict import PolicyVerdict


class Judgement(msgspec.Struct, frozen=True):
    """What will be answered: a start (allowed) or None (denied), and why."""

    start: Micros | None
    code: ReasonCode = "ok"
    reason: str = ""
    retry_after: Micros | None = None
    warnings: tuple[str, ...] = ()
    by_rule: bool = False


class Wish(msgspec.Struct, frozen=True):
    """What an allowed intent may have: not before an instant, for the reason given."""

    not_before: Micros
    code: ReasonCode = "ok"
    reason: str = ""
    warnings: tuple[str, ...] = ()
    by_rule: bool = False


class Pacer:
    """Lets urgent work through at the pool's own average pace while nobody knows its state."""

    def __init__(self) -> None:
        self._last: dict[str, Micros] = {}

    def next(self, key: str, gap: Micros, now: Micros) -> Micros:
        """The next instant at which one may go, at least ``gap`` after the one before."""
        at = max(now, self._last.get(key, now - gap) + gap)
        self._last[key] = at
        return at


def judge(
    state: State,
    moment: Moment,
    verdict: PolicyVerdict,
    needs: Sequence[Need],
    asker: Asker,
    pacer: Pacer,
) -> Judgement:
    """Policy first, then the built-in safety: shedding, stale data, capacity."""
    if verdict.denied:
        return Judgement(
            None, "policy", verdict.reason, verdict.retry_after, verdict.warnings, by_rule=True
        )
    wish = _wish(moment, verdict)
    shed = _shed(moment)
    if shed is not None:
        return shed
    stale = _stale(state, moment, pacer)
    if isinstance(stale, Judgement):
        return stale
    if stale is not None and stale.not_before > wish.not_before:
        wish = msgspec.structs.replace(stale, warnings=wish.warnings + stale.warnings)
    elif stale is not None:
        wish = msgspec.structs.replace(wish, warnings=wish.warnings + stale.warnings)
    return _place(state, moment, wish, needs, asker)


def _wish(moment: Moment, verdict: PolicyVerdict) -> Wish:
    now = moment.now
    not_before = now + verdict.wait
    if verdict.reset_jitter is not None and moment.tightest is not None:
        reset_at = moment.figures(moment.tightest).reset_at
        if reset_at is not None:
            not_before = max(not_before, reset_at + moment.jitter(verdict.reset_jitter))
    waits = not_before > now
    return Wish(
        not_before,
        "policy" if waits else "ok",
        verdict.reason if waits else "",
        verdict.warnings,
        by_rule=waits,
    )


def _shed(moment: Moment) -> Judgement | None:
    """Background work makes room first when its tightest pool is likely to run dry."""
    if moment.intent.urgency != "background" or moment.tightest is None:
        return None
    key = moment.tightest
    if moment.level(key) != "critical":
        return None
    percent = round(100 * moment.outlook(key).p_exhaustion)
    reset_at = moment.figures(key).reset_at
    return Judgement(
        None,
        "risk_too_high",
        f"background work is shed: {key} runs dry before its reset with {percent} % probability",
        None if reset_at is None else max(0, reset_at - moment.now),
    )


def _stale(state: State, moment: Moment, pacer: Pacer) -> Judgement | Wish | None:
    """Old data: background is denied, normal waits for fresh data, high goes on, spaced."""
    stale = [key for key in moment.keys if state.is_stale(key, moment.now)]
    if not stale:
        return None
    key = stale[0]
    record = state.providers.get(state.account_of(key))
    opened = record.state == "open"
    code: ReasonCode = "provider_degraded" if opened else "forecast_stale"
    age = span_text(state.age(key, moment.now))
    what = f"{key} was last seen {age} ago" + (", its provider is failing" if opened else "")
    due = max(moment.now, record.next_poll or moment.now + state.interval_of(key))
    if moment.intent.urgency == "background":
        reason = f"background work waits for fresh data: {what}"
        return Judgement(None, code, reason, due - moment.now)
    if moment.intent.urgency == "high":
        spaced = pacer.next(key, _gap(state, key), moment.now)
        return Wish(spaced, code, f"spaced because {what}", (f"stale data: {what}",))
    limit = state.max_wait(moment.intent)
    if due > moment.now + limit:
        reason = f"no fresh data within {span_text(limit)}: {what}"
        return Judgement(None, code, reason, due - moment.now)
    return Wish(
        max(due, moment.now + 1), code, f"waits for fresh data: {what}", (f"stale data: {what}",)
    )


def _gap(state: State, key: str) -> Micros:
    account = state.ledger.accounts[key]
    every = account.pool.window.every or 60 * SECOND
    return every // account.limit if account.limit else SECOND


def _place(
    state: State, moment: Moment, wish: Wish, needs: Sequence[Need], asker: Asker
) -> Judgement:
    now = moment.now
    longest = state.max_wait(moment.intent)
    latest = now + longest
    found = state.ledger.propose(
        needs, asker, now, not_before=wish.not_before, latest=max(latest, wish.not_before)
    )
    if found.start is None:
        return _no_room(moment, found, wish)
    wait = found.start - now
    if wait == 0:
        return Judgement(found.start, "ok", "", None, wish.warnings)
    by_rule = wish.by_rule and found.start == wish.not_before
    code, why = _why(moment, found, wish)
    if wait > longest:
        too_long = f"would have to wait {span_text(wait)}, longer than the {span_text(longest)}"
        reason = f"{too_long} allowed: {why}"
        refusal = code if longest == 0 else "wait_too_long"
        return Judgement(None, refusal, reason, wait, wish.warnings, by_rule=by_rule)
    reason = f"wait {span_text(wait)}: {why}"
    return Judgement(found.start, code, reason, None, wish.warnings, by_rule=by_rule)


def _why(moment: Moment, found: Proposal, wish: Wish) -> tuple[ReasonCode, str]:
    if found.blocker is None:
        return wish.code, wish.reason
    pool = moment.pool(found.blocker)
    need = moment.units(found.blocker)
    what = (
        f"{found.blocker} has {pool.available} of {pool.limit} {pool.unit} left, this needs {need}"
    )
    return ("budget_exceeded" if pool.unit == MONEY else "pool_exhausted"), what


def _no_room(moment: Moment, found: Proposal, wish: Wish) -> Judgement:
    code, what = _why(moment, found, wish)
    if found.blocker is None:
        return Judgement(None, "pool_exhausted", "its pools never have room together", None)
    pool = moment.pool(found.blocker)
    retry_after = None
    if pool.limit is not None and moment.units(found.blocker) > pool.limit:
        what += ", more than the pool ever holds: ask for less"
    elif pool.reset_at is not None:
        retry_after = max(0, pool.reset_at - moment.now)
    return Judgement(None, code, what, retry_after, wish.warnings)
