"""Accounts that refill continuously up to a burst: token buckets.

The level is kept in units × W, in integers, so that a microsecond adds exactly ``limit``. Holds
reduce what is available; settling draws the level. A promise reckons with the worst: that every
hold is drawn as late as it may be.
"""

from __future__ import annotations

from ratelord_core.ledger.account import Account, SettledLog, outside
from ratelord_core.ledger.hold import NEVER, Asker, Figures, Leg, Party, Reconciled, Reset
from ratelord_core.model.instant import MINUTE, SECOND, Micros
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import Pool

_KEPT = 2 * MINUTE


class BucketAccount(Account):
    """``limit`` units per W µs flow in, up to ``burst``."""

    def __init__(self, pool: Pool, now: Micros) -> None:
        super().__init__(pool)
        self.every = pool.window.every or SECOND
        self._declared_burst = pool.window.burst
        self._at = now
        self._level = self.burst * self.every
        self._settled = SettledLog()

    @property
    def burst(self) -> int:
        """The most the bucket holds, in units."""
        return self._declared_burst if self._declared_burst is not None else self.limit or 0

    def advance(self, now: Micros) -> Reset | None:
        self.begin(now)
        self.tally.advance(now)
        full = self.burst * self.every
        if self._level < full:
            self._level = min(full, self._level + (self.limit or 0) * (now - self._at))
        self._at = now
        return None

    def relimit(self, limit: int | None) -> None:
        """A bucket that first learns its limit is full; one that shrinks spills, none refills."""
        first = self.limit is None and limit is not None
        super().relimit(limit)
        full = self.burst * self.every
        self._level = full if first else min(self._level, full)

    # --- room ---------------------------------------------------------------------------------

    def earliest(
        self, units: int, lifetime: Micros, after: Micros, latest: Micros, now: Micros, asker: Asker
    ) -> Micros | None:
        if self.limit is None:
            return after
        need = units * self.every
        if units > self.burst or (self.limit == 0 and need > self._level):
            return None
        if after == now and not self._waiting and self._level - self.held * self.every >= need:
            return now
        return self._search(need, after)

    def _search(self, need: int, after: Micros) -> Micros | None:
        """Walk the projected level from event to event; between two of them it only rises.

        A start fits where the level less what is held covers the need, there and at the start of
        every later promise.
        """
        every, rate = self.every, self.limit or 0
        full = self.burst * every
        events = self._events()
        lows = self._lows(events)
        at, level, held = self._at, self._level, self.held * every
        for number, (then, change_held, change_level) in enumerate([*events, (NEVER, 0, 0)]):
            begin = max(at, after)
            if begin < then and lows[number] >= need:
                missing = need + held - min(full, level + rate * (begin - at))
                if missing <= 0:
                    return begin
                if need + held <= full and rate:
                    start = begin + -(-missing // rate)
                    if start < then:
                        return start
            level = min(full, level + rate * (then - at)) if then < NEVER else level
            level += change_level
            held += change_held
            at = then
        return None

    def _events(self) -> list[tuple[Micros, int, int]]:
        """(when, change of held, change of level), in units × W: promises start, holds are drawn."""
        every = self.every
        events = [(leg.start, leg.units * every, 0) for leg in self._waiting]
        events += [(leg.end, -leg.units * every, -leg.units * every) for leg in self.legs]
        events.sort()
        return events

    def _lows(self, events: list[tuple[Micros, int, int]]) -> list[int]:
        """For each stretch before an event: the least that later promises will leave available."""
        rate, full = self.limit or 0, self.burst * self.every
        at, level, held = self._at, self._level, self.held * self.every
        after: list[int] = []
        for then, change_held, change_level in events:
            level = min(full, level + rate * (then - at)) + change_level
            held += change_held
            at = then
            after.append(level - held if change_held > 0 else NEVER)
        lows = [NEVER]
        for available in reversed(after):
            lows.append(min(lows[-1], available))
        lows.reverse()
        return lows

    # --- holds and use ------------------------------------------------------------------------

    def hold(self, leg: Leg, now: Micros) -> None:
        self._admit(leg, now)

    def drop(self, leg: Leg, now: Micros) -> None:
        self._dismiss(leg)

    def use(self, units: int, at: Micros, party: Party) -> None:
        self._level -= units * self.every
        self._settled.add(at, units)
        self._settled.forget(at - max(self.every, _KEPT))
        self.tally.add(party, units, at + self.every)
        self.version += 1

    def correct(self, units: int, at: Micros, party: Party) -> bool:
        if self.observed_at is not None and self.observed_at >= at:
            return False
        self._level = min(self._level - units * self.every, self.burst * self.every)
        self._settled.add(at, units)
        self.tally.add(party, units, at + self.every)
        self.version += 1
        return True

    def figures(self, now: Micros) -> Figures:
        burst, level = self.burst, self._level // self.every
        available = 0 if self.limit is None else max(0, level - self.held)
        full_in = self.burst * self.every - self._level
        reset_at = now - -full_in // self.limit if self.limit and full_in > 0 else None
        return Figures(self.limit, burst - level, self.held, self.scheduled, available, reset_at)

    # --- observation --------------------------------------------------------------------------

    def reconcile(self, seen: Observation, now: Micros) -> Reconciled:
        newest = self.observed_at is None or seen.dated >= self.observed_at
        first = self.observed_at is None
        before = (self.limit, self._level)
        if newest:
            if seen.limit is not None:
                self.relimit(seen.limit)
            self.observed_at = seen.dated
        remaining = self._remaining_in(seen)
        result = Reconciled()
        if remaining is not None:
            result = self._adopt(remaining, seen.dated, now, newest, first)
        changed = before != (self.limit, self._level)
        self.version += changed
        return Reconciled(
            changed, result.surplus, result.drift, result.low, result.high, result.observed
        )

    def _remaining_in(self, seen: Observation) -> int | None:
        if seen.remaining is not None:
            return seen.remaining
        return None if seen.used is None else self.burst - seen.used

    def _adopt(
        self, remaining: int, dated: Micros, now: Micros, newest: bool, first: bool
    ) -> Reconciled:
        full = self.burst * self.every
        refilled = min(full, remaining * self.every + (self.limit or 0) * max(0, now - dated))
        adopted = refilled - self._settled.after(dated) * self.every
        mine = self._level
        self._level = adopted if newest else min(mine, adopted)
        used, observed = self.burst - mine // self.every, self.burst - adopted // self.every
        high = used + self.held
        drift = 0 if first or not newest else outside(observed, used, high)
        return Reconciled(True, max(0, observed - high), drift, used, high, observed)
