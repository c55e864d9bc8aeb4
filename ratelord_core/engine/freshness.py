"""What becomes of an intent whose pools were not seen of late: rules for old data."""

from __future__ import annotations

import msgspec

from ratelord_core.engine.answering import span_text
from ratelord_core.engine.moment import Moment
from ratelord_core.engine.state import State
from ratelord_core.model.decision import ReasonCode
from ratelord_core.model.instant import MINUTE, SECOND, Micros


class Stale(msgspec.Struct, frozen=True):
    """The pool whose fresh data come last; ``due`` is when they are expected."""

    key: str
    code: ReasonCode
    due: Micros
    what: str

    @property
    def warning(self) -> str:
        """What every answer says of it."""
        return f"stale data: {self.what}"


class Pacer:
    """Lets urgent work through at the pool's own average pace while nobody knows its state."""

    def __init__(self) -> None:
        self._last: dict[str, Micros] = {}

    def next(self, key: str, gap: Micros, now: Micros) -> Micros:
        """The next instant at which one may go, at least ``gap`` after the one before."""
        last = self._last.get(key)
        return now if last is None else max(now, last + gap)

    def went(self, key: str, at: Micros) -> None:
        """One was let through."""
        self._last[key] = max(at, self._last.get(key, at))


def stale_pool(state: State, moment: Moment) -> Stale | None:
    """The stale pool that matters most among those that the intent draws from, if any is."""
    polling, now = state.polling, moment.now
    if not polling.intervals:
        return None
    stale = [pool for pool in moment.course.pools if polling.is_stale(pool, now)]
    found = [_stale(state, pool, now) for pool in stale]
    return max(found, key=lambda each: each.due, default=None)


def _stale(state: State, key: str, now: Micros) -> Stale:
    record = state.providers.get(state.polling.account_of(key))
    opened = record.state == "open"
    due = record.next_poll
    if due is None or due <= now:
        due = now + state.polling.interval_of(key)
    age = span_text(state.polling.age(key, now))
    seen = state.ledger.accounts[key].observed_at is not None
    what = f"{key} was last seen {age} ago" if seen else f"{key} has not been seen in {age}"
    if opened:
        what += ", its provider is failing"
    return Stale(key, "provider_degraded" if opened else "forecast_stale", due, what)


def gap(state: State, key: str) -> Micros:
    """The average time between two units of a pool that is used evenly."""
    account = state.ledger.accounts[key]
    every = account.pool.window.every or MINUTE
    return every // account.limit if account.limit else SECOND
