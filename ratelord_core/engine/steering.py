"""Shows governed pools to their controllers: when somebody asks, and when something happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ratelord_core.control import Governor, PaceParams, Reading, Request
from ratelord_core.events.lines import PacedLine
from ratelord_core.forecast.terms import span_of
from ratelord_core.ledger import Figures, Reconciled
from ratelord_core.ledger.account import Account
from ratelord_core.ledger.windows import guard_of
from ratelord_core.model.forecast import Forecast
from ratelord_core.model.instant import HOUR, Micros, to_seconds

if TYPE_CHECKING:
    from ratelord_core.control import Paced
    from ratelord_core.engine.moment import Moment
    from ratelord_core.engine.state import State

_ENDING = frozenset({"fixed", "calendar"})
_RENEWING = frozenset({"sliding", "bucket"})
_PART = 8
"""Of a pool that renews all the time, use by others is looked ahead to for this part of it."""


class Terms(msgspec.Struct, frozen=True, gc=False):
    """A pool that can be paced: its length (µs), when it resets (None: it renews all the time),
    and the limit as a controller may use it up."""

    window: Micros
    reset_at: Micros | None
    limit: float


def terms_of(account: Account, figures: Figures, now: Micros, params: PaceParams) -> Terms | None:
    """How a pool can be paced; None for one that has no end to be paced towards: slots, pools
    without a limit, windows of unknown length."""
    kind, limit, reset_at = account.pool.window.kind, figures.limit, figures.reset_at
    if not limit or kind not in _ENDING | _RENEWING:
        return None
    renews = kind in _RENEWING
    window = span_of(account.pool.window)
    if window is None and reset_at is not None:
        window = reset_at - now
    if window is None or window <= 0:
        return None
    most = limit * (1.0 - params.reserve_percent / 100.0)
    end = None if renews else now + window if reset_at is None else max(now, reset_at)
    return Terms(window, end, most)


def kept_for_others(state: State, pool: str, terms: Terms, now: Micros, deviations: float) -> float:
    """Units that are likely to be used behind our back before the reset."""
    outside = state.pacing.outside(pool)
    if outside is None:
        return 0.0
    until = now + terms.window // _PART if terms.reset_at is None else terms.reset_at
    return outside.until(to_seconds(until), deviations)


def reading_of(
    terms: Terms, figures: Figures, kept: float, now: Micros, outlook: Forecast | None = None
) -> Reading:
    """The pool as its controller sees it."""
    window = to_seconds(terms.window)
    left = window if terms.reset_at is None else to_seconds(terms.reset_at - now)
    spent = float(figures.used + figures.held)
    if left <= 0.0:  # over, but for the guard: what is to be paced is the next window
        left, spent, kept = window, 0.0, 0.0
    seen = Reading(
        t=to_seconds(now),
        limit=max(1.0, terms.limit),
        spent=spent,
        room=terms.limit - spent - kept,
        window=window,
        left=left,
        renews=terms.reset_at is None,
    )
    if outlook is None:
        return seen
    demand = outlook.burn_mean * left
    return msgspec.structs.replace(seen, risk=outlook.p_exhaustion, demand=demand)


def ask(moment: Moment, rule: int, pool: str, paced: Paced) -> PacedLine | None:
    """Where a rule's controller lets the moment's intent start in a pool; None: it need not
    wait."""
    state, now, params = moment.state, moment.now, paced.params
    account = state.ledger.account(pool, now)
    figures = account.figures(now)
    terms = terms_of(account, figures, now, params)
    if terms is None:
        return None
    governor = state.pacing.governor(rule, pool) or paced.governor(terms.window)
    kept = kept_for_others(state, pool, terms, now, params.hold_back)
    reading = reading_of(terms, figures, kept, now, moment.outlook(pool))
    asker = moment.course.urgent if moment.intent.urgency == "high" else moment.course.asker
    outside, whole = state.pacing.outside(pool), to_seconds(terms.window)
    others = 0.0 if outside is None else outside.within(whole, params.hold_back)
    free = (
        figures.available
        - account.kept_from(now, asker)
        - kept
        - (figures.limit or 0)
        + terms.limit
    )
    wanted = Request(
        now=now,
        agent=asker.agent,
        weight=asker.weight,
        units=moment.units(pool),
        free=0.0 if terms.reset_at == now else free,
        reset_at=terms.reset_at,
        usual=max(0.0, terms.limit - others) / whole,
        window=terms.window,
        edge=figures.reset_at or 0,
        guard=0 if account.pool.local else guard_of(terms.window),
    )
    spaced = governor.ask(reading, wanted)
    if spaced is None:
        return None
    return PacedLine(rule, pool, wanted.units, spaced.wait, spaced.gap, spaced.turn)


# --- what happens is told ---------------------------------------------------------------------


def tell(state: State, pool: str, now: Micros) -> None:
    """Something happened to a pool: its controllers see how it stands."""
    for governor in state.pacing.of(pool):
        _tell(state, governor, pool, now)


def _tell(state: State, governor: Governor, pool: str, now: Micros) -> None:
    account = state.ledger.account(pool, now)
    figures = account.figures(now)
    terms = terms_of(account, figures, now, governor.params)
    if terms is None or not governor.wants(to_seconds(now), to_seconds(terms.window)):
        return
    kept = kept_for_others(state, pool, terms, now, governor.params.hold_back)
    governor.tell(reading_of(terms, figures, kept, now))


def alarm(state: State, pool: str, now: Micros, units: int | None = None) -> None:
    """The provider refused, or counted so many units that nobody had told us of."""
    limit = state.ledger.accounts[pool].limit
    part = 1.0 if units is None or not limit else min(1.0, units / limit)
    for governor in state.pacing.of(pool):
        governor.controller.alarmed(to_seconds(now), part)


def counted(state: State, pool: str, dated: Micros, found: Reconciled, now: Micros) -> None:
    """The provider counted: what is not ours, others used."""
    account = state.ledger.accounts[pool]
    if found.observed is not None and found.high:
        window = span_of(account.pool.window) or HOUR
        unsure = max(0, found.high - found.low)
        state.pacing.counted(pool, dated, found.observed - found.low, unsure, window)
    tell(state, pool, now)


def answered(
    state: State, at: Micros, agent: str, lines: tuple[PacedLine, ...], *, allowed: bool
) -> None:
    """Rules paced an intent: fold what they gave away."""
    weight = state.agent(agent).weight
    for line in lines:
        account = state.ledger.accounts.get(line.pool)
        if account is None:
            continue
        window = span_of(account.pool.window) or HOUR
        state.pacing.answered(at, (agent, weight), line, window, allowed=allowed)
