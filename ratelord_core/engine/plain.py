"""What most intents are: rules leave them alone, and every pool has room for them now.

Such an intent is answered as weighing it in full would answer it, with a part of the work. One
about which anything else is to be said is not answered here.
"""

from __future__ import annotations

from collections.abc import Sequence

from ratelord_core.engine.answering import seen_risk, untold
from ratelord_core.engine.course import Course
from ratelord_core.engine.glance import shown
from ratelord_core.engine.moment import tightness
from ratelord_core.engine.state import State
from ratelord_core.events.lines import HeldLine
from ratelord_core.events.payloads import IntentDecided
from ratelord_core.forecast import Standing
from ratelord_core.ledger import Figures, Need
from ratelord_core.model.instant import Micros
from ratelord_core.model.intent import Intent


def plainly(
    state: State, intent: Intent, course: Course, needs: Sequence[Need], now: Micros
) -> IntentDecided | None:
    """The approval of an intent with a plain course that may start at once; None if it must be
    weighed. Its accounts have been brought to ``now``."""
    gates = course.gates
    if gates is None or intent.costs or intent.urgency == "background":
        return None
    stands = _stand(state, intent, course, needs, now)
    if stands is None:
        return None
    holds, place, figures, standing = stands
    line = holds[place]
    outlook = state.book.with_intent(line.pool, now, standing, line.units)
    saw = shown(gates, intent, figures, outlook)
    if saw is None or state.book.failed:
        return None
    risk = seen_risk(outlook)
    return IntentDecided(
        holds=holds,
        warnings=course.binding.warnings,
        risk=risk,
        tightest=place,
        looked=course.looked,
        saw=untold(saw, holds, place, risk),
    )


def _stand(
    state: State, intent: Intent, course: Course, needs: Sequence[Need], now: Micros
) -> tuple[tuple[HeldLine, ...], int, Figures, Standing] | None:
    """The lines of a hold from now on, the place of the tightest pool among them, and how that pool
    stands; None if one has no room now, or is stale."""
    asker = course.urgent if intent.urgency == "high" else course.asker
    latest = now + (state.settings.default_max_wait if intent.max_wait is None else intent.max_wait)
    book, polling, several = state.book, state.polling, len(needs) > 1
    lines: list[HeldLine] = []
    most, found = (-1.0, 0.0), None
    for lane, need in zip(course.lanes, needs, strict=True):
        pool, units, account = need.pool, need.units, lane.account
        if units and account.earliest(units, need.lifetime, now, latest, now, asker) != now:
            return None
        figures = account.figures(now)
        left, reset_at = figures.available, figures.reset_at
        standing = Standing(left, reset_at)
        if polling.intervals:
            if polling.is_stale(pool, now):
                return None
            standing = state.standing(pool, figures, now)
        tight = tightness(book, need, figures, standing, now) if several else (0.0, 0.0)
        if tight > most:
            most, found = tight, (len(lines), figures, standing)
        reset_in = -1 if reset_at is None else reset_at - now if reset_at > now else 0
        left = left - units if left > units else 0
        lines.append(HeldLine(pool, units, left, reset_in, need.lifetime))
    return None if found is None else (tuple(lines), *found)
