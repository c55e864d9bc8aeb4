"""What is written down as the answer: for the way that was chosen, with what was seen of it."""

from __future__ import annotations

from collections.abc import Sequence

from ratelord_core.engine.answering import seen_risk, tightest_of, untold
from ratelord_core.engine.counting import cap_of
from ratelord_core.engine.moment import Moment
from ratelord_core.engine.prices import Prices
from ratelord_core.engine.state import State
from ratelord_core.engine.weighed import Weighed
from ratelord_core.events.lines import HeldLine
from ratelord_core.events.payloads import IntentDecided
from ratelord_core.forecast.record import millis
from ratelord_core.ledger import Need
from ratelord_core.model.decision import DecidedBy
from ratelord_core.model.forecast import Forecast
from ratelord_core.model.instant import Micros
from ratelord_core.model.pool import declared_key
from ratelord_core.policy.verdict import PolicyVerdict


def answer(state: State, weighed: Weighed, asked: PolicyVerdict) -> IntentDecided:
    """The answer for that way, with the trace of what was asked."""
    moment, tightest = weighed.moment, weighed.moment.tightest
    outlook = None if tightest is None else moment.outlook(tightest)
    warnings = weighed.judged.warnings + moment.course.binding.warnings
    if moment.intent.costs:
        warnings += _unused_costs(moment, state.prices)
    if weighed.judged.start is None:
        return _denial(weighed, asked, outlook, warnings)
    return _approval(state.settings.hold_ttl, weighed, asked, outlook, warnings)


def _approval(
    lifetime: Micros,
    weighed: Weighed,
    asked: PolicyVerdict,
    outlook: Forecast | None,
    warnings: tuple[str, ...],
) -> IntentDecided:
    moment, needs, judged = weighed.moment, weighed.needs, weighed.judged
    start = (judged.start or moment.now) - moment.now
    holds = _lines(moment, needs, start)
    risk = () if outlook is None else seen_risk(outlook)
    place = tightest_of(moment.tightest, holds)
    ruled = judged.by_rule or judged.blocker
    # More than fifteen names, and the interpreter makes a dict of them first.
    return IntentDecided(
        decision="approve_with_modifications" if start else "approve",
        reason_code=judged.code,
        reason=judged.reason,
        start=start,
        valid=0 if needs else start + lifetime,
        holds=holds,
        decided_by=_named(_ruled_by(weighed)) if ruled else None,
        warnings=warnings,
        risk=risk,
        tightest=place,
        looked=asked.looked,
        held=asked.held,
        saw=untold(asked.saw, holds, place, risk),
        cost=-1 if moment.cost is None else moment.cost,
        paced=moment.paced,
    )


def _denial(
    weighed: Weighed,
    asked: PolicyVerdict,
    outlook: Forecast | None,
    warnings: tuple[str, ...],
) -> IntentDecided:
    moment, judged = weighed.moment, weighed.judged
    risk = () if outlook is None else seen_risk(outlook)
    by_rule = _ruled_by(weighed)
    place = moment.tightest or 0
    return IntentDecided(
        decision="deny_with_reason",
        reason_code=judged.code,
        reason=judged.reason,
        decided_by=_named(by_rule),
        overridable=by_rule is not None and by_rule.overridable,
        warnings=warnings,
        retry_after=judged.retry_after,
        risk=risk,
        tightest=place,
        ttr=None if outlook is None else millis(outlook.ttr),
        looked=asked.looked,
        held=asked.held,
        saw=untold(asked.saw, (), place, risk),
        cost=-1 if moment.cost is None else moment.cost,
        paced=moment.paced,
    )


def _lines(moment: Moment, needs: Sequence[Need], start: Micros) -> tuple[HeldLine, ...]:
    lines, now = [], moment.now
    for need in needs:
        pool, units = need.pool, need.units
        figures = moment.figures[pool]
        left, reset_at = figures.available, figures.reset_at
        if start == 0:
            left = left - units if left > units else 0
        reset_in = -1 if reset_at is None else reset_at - now if reset_at > now else 0
        lines.append(HeldLine(pool, units, left, reset_in, need.lifetime))
    return tuple(lines)


def _ruled_by(weighed: Weighed) -> DecidedBy | None:
    """The rule, or the cap, that decided; None for the built-in safety and plain approvals."""
    judged = weighed.judged
    if judged.by_rule:
        return weighed.verdict.decided_by
    return cap_of(weighed.verdict, judged.blocker) if judged.blocker else None


def _named(by_rule: DecidedBy | None) -> tuple[str, str] | None:
    return None if by_rule is None else (by_rule.policy_id, by_rule.rule)


def _unused_costs(moment: Moment, prices: Prices) -> tuple[str, ...]:
    """A cost that names a pool this action does not draw from, and that has no price either, is
    most likely a slip."""
    intent = moment.intent
    shorts = (lane.short for lane in moment.course.lanes)
    names = {*map(declared_key, moment.figures), *shorts}
    unused = sorted(
        key for key in intent.costs if key not in names and not prices.knows(key, intent.model)
    )
    if not unused:
        return ()
    return (f"costs names {', '.join(unused)}, from which this action does not draw",)
