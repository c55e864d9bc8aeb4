"""The built-in safety below every policy: the earliest start at which everything fits, or no."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from ratelord_core.engine.answering import span_text
from ratelord_core.engine.moment import Moment
from ratelord_core.engine.state import State
from ratelord_core.engine.wish import Judgement, Wish
from ratelord_core.ledger import Need, Proposal
from ratelord_core.model.decision import ReasonCode
from ratelord_core.model.instant import Micros
from ratelord_core.model.pool import MONEY


def place(state: State, moment: Moment, wish: Wish, needs: Sequence[Need]) -> Judgement:
    """Start as soon as all needs fit, but not before the wish's instant; no, if they never do, or
    only later than the asker waits."""
    now, intent, longest = moment.now, moment.intent, moment.intent.max_wait
    if longest is None:
        longest = state.settings.default_max_wait
    soft = moment.course.soft
    if soft:  # what only counts keeps nobody away
        needs = [need for need in needs if need.pool not in soft]
    asker = moment.course.urgent if intent.urgency == "high" else moment.course.asker
    latest = max(now + longest, wish.not_before)
    found = state.ledger.propose(needs, asker, now, not_before=wish.not_before, latest=latest)
    start = found.start
    if start is None:
        return _no_room(state, moment, found, wish)
    wait = start - now
    if wait == 0:
        return Judgement(start, warnings=wish.warnings, paced=wish.paced)
    if found.blocker is not None and wish.by_rule:
        without = state.ledger.propose(needs, asker, now, latest=latest)
        if without.start is not None and without.start < wish.not_before:
            found = Proposal(start)  # the rest is the spacing of those whom rules hold back
    by_rule = wish.by_rule and found.blocker is None
    code, why = _why(moment, found, wish)
    if wait > longest:
        return Judgement(
            None,
            _refusal(code, longest),
            _too_long(why, wait, longest),
            retry_after=wait,
            warnings=wish.warnings,
            by_rule=by_rule,
            blocker=found.blocker or "",
        )
    granted = wish.granted(start, code, f"wait {span_text(wait)}: {why}", by_rule=by_rule)
    return granted if found.blocker is None else replace(granted, blocker=found.blocker)


def _refusal(code: ReasonCode, longest: Micros) -> ReasonCode:
    return code if longest == 0 or code == "budget_exceeded" else "wait_too_long"


def _too_long(why: str, wait: Micros, longest: Micros) -> str:
    if longest == 0:
        return f"{why}; it could start in {span_text(wait)}, but may not wait"
    return f"{why}; it could start in {span_text(wait)}, but waits {span_text(longest)} at most"


def _why(moment: Moment, found: Proposal, wish: Wish) -> tuple[ReasonCode, str]:
    if found.blocker is None:
        return wish.code, wish.reason
    pool, need = moment.pool(found.blocker), moment.units(found.blocker)
    left = f"{pool.key} has {pool.available} of {pool.limit} {pool.unit} left"
    if need <= pool.available:
        left += ", kept for high urgency or promised to others"
    return (
        "budget_exceeded" if pool.unit == MONEY else "pool_exhausted",
        f"{left}; this needs {need}",
    )


def _no_room(state: State, moment: Moment, found: Proposal, wish: Wish) -> Judgement:
    code, what = _why(moment, found, wish)
    if found.blocker is None:
        what = "its pools never have room together"
        return Judgement(None, "pool_exhausted", what, warnings=wish.warnings)
    pool = moment.pool(found.blocker)
    most = state.ledger.accounts[found.blocker].pool.window.burst or pool.limit
    retry_after = None
    if most is not None and moment.units(found.blocker) > most:
        what += ", more than the pool ever holds: ask for less"
    elif pool.reset_at is not None:
        retry_after = max(0, pool.reset_at - moment.now)
    return Judgement(None, code, what, retry_after, wish.warnings, blocker=found.blocker)
