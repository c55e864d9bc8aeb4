"""Counts an intent in the caps that rules bring along, and says when one of them grows short."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from ratelord_core.engine.answering import span_text
from ratelord_core.engine.moment import Moment
from ratelord_core.engine.state import State
from ratelord_core.ledger import Figures, Need
from ratelord_core.model.decision import DecidedBy
from ratelord_core.model.forecast import Forecast
from ratelord_core.model.ids import split_pool_key
from ratelord_core.model.instant import DAY, SECOND, Micros, to_text
from ratelord_core.model.money import dollars
from ratelord_core.model.pool import MONEY, declared_key
from ratelord_core.policy.verdict import Counted, Notice, PolicyVerdict

_CENT = 10_000
"""Micro-USD that are worth telling in dollars."""


def count(
    state: State, moment: Moment, verdict: PolicyVerdict, needs: Sequence[Need]
) -> tuple[PolicyVerdict, Sequence[Need]]:
    """The needs with those of the caps whose rules applied, and the verdict with what is to be said
    of caps that grow short. The moment sees their pools too."""
    course = moment.course
    rules = {each.pool: each for each in verdict.counted}
    lanes, more = course.capped(rules, moment.intent, state, moment.cost)
    if lanes:
        state.ledger.bring([lane.pool for lane in lanes], moment.now)
        moment.draw(lanes, more)
        needs = [*needs, *more]
    warnings = list(_soft_warnings(moment, needs)) if course.soft else []
    notices: list[Notice] = []
    for lane in (*course.lanes, *lanes) if rules else ():
        rule = rules.get(lane.name)
        if rule is not None:
            for mark, said in _short(moment, rule, lane.pool):
                warnings.append(said)
                notices.append(_notice(moment, rule, lane.pool, mark, said))
    told = verdict.warnings + tuple(warnings), verdict.notices + tuple(notices)
    return replace(verdict, warnings=told[0], notices=told[1]), needs


def cap_of(verdict: PolicyVerdict, pool: str) -> DecidedBy | None:
    """The rule, or the policy's ``limit``, whose cap a pool is; None for other pools."""
    name = declared_key(pool)
    provider_id, policy_id = split_pool_key(name)
    if provider_id != "policy":
        return None
    rules = (each.decided_by for each in verdict.counted if each.pool == name)
    rule = next(rules, None)
    if rule is not None:
        return DecidedBy(rule.policy_id, rule.rule)
    return DecidedBy(policy_id, "limit")


def _soft_warnings(moment: Moment, needs: Sequence[Need]) -> Iterator[str]:
    """What passes a cap that only counts."""
    for need in needs:
        figures = moment.figures[need.pool]
        if need.pool in moment.course.soft and figures.limit is not None:
            taken = figures.used + figures.held + figures.scheduled + need.units
            if taken > figures.limit:
                yield f"soft limit {need.pool} is passed: {taken} of {figures.limit}"


def _short(moment: Moment, rule: Counted, pool: str) -> Iterator[tuple[str, str]]:
    """The highest threshold that is passed with this intent, if it fits, and the date that is
    foreseen."""
    figures, effect = moment.figures[pool], rule.effect
    limit = figures.limit or 0
    taken = figures.used + figures.held + figures.scheduled
    fits = pool in moment.course.soft or taken + moment.units(pool) <= limit
    taken += moment.units(pool) if fits else 0
    percent = 100 * taken / limit if limit else 100.0
    passed = [mark for mark in effect.warn_at if percent >= mark]
    what = effect.reason or f"cap {pool}"
    if passed:
        told = f"{_amount(moment, pool, taken)} of {_amount(moment, pool, limit)}"
        yield f"{max(passed):g}%", f"{what}: {max(passed):g} % are passed, {told} are taken"
    if fits and effect.warn_before is not None:
        outlook = moment.outlook(pool)
        ends = _ends_before(outlook, figures, effect.warn_before, moment.now)
        if ends is not None:
            early = span_text((figures.reset_at or 0) - ends)
            when = to_text(ends)
            yield "date", f"{what}: at this pace it is used up by {when}, {early} before its reset"


def _ends_before(outlook: Forecast, figures: Figures, before: Micros, now: Micros) -> Micros | None:
    """When it will be used up, as likely as not, if that is so long before its reset."""
    if figures.reset_at is None or outlook.tte_p50 > (figures.reset_at - now) / SECOND:
        return None
    ends = now + int(outlook.tte_p50 * SECOND)
    return ends if ends + before <= figures.reset_at else None


def _amount(moment: Moment, pool: str, units: int) -> str:
    unit = moment.pool(pool).unit
    if unit != MONEY or units < _CENT:
        return f"{units} {unit}"
    return dollars(units)


def _notice(moment: Moment, rule: Counted, pool: str, mark: str, said: str) -> Notice:
    """Told once for each threshold and window."""
    by, reset_at = rule.decided_by, moment.figures[pool].reset_at
    quiet = DAY if reset_at is None else max(SECOND, reset_at - moment.now)
    return Notice(by.policy_id, by.rule, "budget_cap", said, quiet, f"{pool} {mark}")
