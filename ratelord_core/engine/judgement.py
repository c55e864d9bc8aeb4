"""From policy's verdict and the ledger's room to an answer: steps 5 and 6 of deciding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from ratelord_core.engine.answering import ahead_text, span_text
from ratelord_core.engine.freshness import Pacer, Stale, gap, stale_pool
from ratelord_core.engine.moment import Moment
from ratelord_core.engine.placing import place
from ratelord_core.engine.state import State
from ratelord_core.engine.wish import Judgement, Wish
from ratelord_core.ledger import Need
from ratelord_core.model.instant import SECOND
from ratelord_core.policy.verdict import PolicyVerdict

_PERIODS = ("fixed", "calendar")
_GUARD_PARTS = 20


def judge(
    state: State,
    moment: Moment,
    verdict: PolicyVerdict,
    needs: Sequence[Need],
    pacer: Pacer,
) -> Judgement:
    """Policy first, then the built-in safety: shedding, stale data, capacity."""
    stale = stale_pool(state, moment) if state.polling.intervals else None
    warnings = verdict.warnings + (() if stale is None else (stale.warning,))
    if verdict.denied:
        return Judgement(
            None, "policy", verdict.reason, verdict.retry_after, warnings, by_rule=True
        )
    if moment.tightest is not None:
        moment.outlook(moment.tightest)
    found: Wish | Judgement | None = _broken(state, moment) if state.book.failed else None
    if found is None:
        plain = verdict.wait == 0 and verdict.reset_jitter is None
        found = Wish(moment.now) if plain else _wish(state, moment, verdict)
    if moment.intent.urgency == "background" and isinstance(found, Wish):
        found = _shed(moment) or found
    if isinstance(found, Wish) and stale is not None:
        found = _heed(state, moment, found, stale, pacer)
    if warnings:
        found = replace(found, warnings=warnings)
    return found if isinstance(found, Judgement) else place(state, moment, found, needs)


def _broken(state: State, moment: Moment) -> Judgement | None:
    """Without a forecast nobody knows the risk: a model that failed denies, by its name, until it
    answers again."""
    found = [state.book.failed[pool] for pool in moment.course.pools if pool in state.book.failed]
    if not found:
        return None
    last = max(found, key=lambda failure: failure.again)
    return Judgement(None, "forecast_stale", str(last), max(0, last.again - moment.now))


def _wish(state: State, moment: Moment, verdict: PolicyVerdict) -> Wish | Judgement:
    now = moment.now
    not_before = now + verdict.wait
    if verdict.reset_jitter is not None and moment.tightest is not None:
        key = moment.tightest
        reset_at = moment.figures[key].reset_at
        window = state.ledger.accounts[key].pool.window
        if reset_at is not None:
            # a moment later, when we count on the refill ourselves
            every = window.every or _GUARD_PARTS * SECOND
            guard = min(SECOND, every // _GUARD_PARTS) if window.kind in _PERIODS else 0
            not_before = max(not_before, reset_at + guard + moment.jitter(verdict.reset_jitter))
        elif window.kind in _PERIODS:
            reason = f"{verdict.reason}; when {key} resets is not known"
            return Judgement(None, "wait_too_long", reason, by_rule=True)
    if not_before == now:
        return Wish(now)
    return Wish(not_before, "policy", verdict.reason, by_rule=True)


def _shed(moment: Moment) -> Judgement | None:
    """Background work makes room first when its tightest pool is likely to run dry. Slots do not:
    for one of those it waits like everybody else."""
    key = _critical(moment)
    if key is None:
        return None
    percent = round(100 * moment.outlook(key).p_exhaustion)
    reset_at = moment.figures[key].reset_at
    ahead = ahead_text(moment.state.ledger.accounts[key].pool.window)
    return Judgement(
        None,
        "risk_too_high",
        f"background work is shed: {key} runs dry {ahead} with {percent} % probability",
        None if reset_at is None else max(0, reset_at - moment.now),
    )


def _critical(moment: Moment) -> str | None:
    """The tightest pool if its risk is critical; if that is one of slots, another that binds."""
    tightest = moment.tightest
    if tightest is None:
        return None
    looked_at: Iterable[str] = (tightest,)
    if moment.state.ledger.accounts[tightest].pool.window.kind == "concurrency":
        looked_at = moment.figures.keys() - moment.course.soft
    return min((key for key in looked_at if moment.level(key) == "critical"), default=None)


def _heed(state: State, moment: Moment, wish: Wish, stale: Stale, pacer: Pacer) -> Wish | Judgement:
    """Old data: background is denied, normal waits for fresh data, high goes on, spaced."""
    now, limit = moment.now, state.max_wait(moment.intent)
    urgency = moment.intent.urgency
    if urgency == "background":
        reason = f"background work waits for fresh data: {stale.what}"
        return Judgement(None, stale.code, reason, stale.due - now)
    if urgency == "high":
        at = min(now + limit, pacer.next(stale.key, gap(state, stale.key), now))
        reason = f"spaced because {stale.what}"
        return _later(replace(wish, paced=stale.key), Wish(at, stale.code, reason))
    if stale.due > now + limit:
        within = f"none is due within {span_text(limit)}" if limit else "it may not wait"
        reason = f"fresh data are needed and {within}: {stale.what}"
        return Judgement(None, stale.code, reason, stale.due - now)
    return _later(wish, Wish(stale.due, stale.code, f"waits for fresh data: {stale.what}"))


def _later(wish: Wish, other: Wish) -> Wish:
    if other.not_before <= wish.not_before:
        return wish
    return replace(other, paced=wish.paced)
