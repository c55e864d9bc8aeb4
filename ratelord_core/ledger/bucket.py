"""Accounts that refill continuously up to a burst: token buckets.

The level is kept in units × W, in integers, so that a microsecond adds exactly ``limit``. Holds
reduce what is available; settling draws the level. A promise reckons with the worst: that every
hold is drawn as late as it may be.
"""

from __future__ import annotations

from functools import partial

from ratelord_core.ledger.account import Account, outside
from ratelord_core.ledger.hold import Asker, Figures, Leg, Party, Reconciled, Reset
from ratelord_core.ledger.settled import KEPT, SettledLog
from ratelord_core.ledger.shares import Shares
from ratelord_core.ledger.turns import Flow, Point, Turns
from ratelord_core.model.instant import SECOND, Micros
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import Pool


class BucketAccount(Account):
    """``limit`` units per W µs flow in, up to ``burst``."""

    def __init__(self, pool: Pool, now: Micros) -> None:
        super().__init__(pool)
        self.every = pool.window.every or SECOND
        self._declared_burst = pool.window.burst
        self._at = now
        self.level = self.burst * self.every
        self.settled = SettledLog()
        self._turns = Turns()
        self._shares = Shares(self.every)

    @property
    def burst(self) -> int:
        """The most the bucket holds, in units."""
        return self._declared_burst if self._declared_burst is not None else self.limit or 0

    @property
    def capacity(self) -> int | None:
        """A full bucket."""
        return None if self.limit is None else self.burst

    def advance(self, now: Micros) -> Reset | None:
        self.begin(now)
        self.tally.advance(now)
        full = self.burst * self.every
        if self.level < full:
            self.level = min(full, self.level + (self.limit or 0) * (now - self._at))
        self._at = now
        return None

    def relimit(self, limit: int | None) -> None:
        """A bucket that first learns its limit is full. After that nothing refills: one that
        shrinks lacks as much as before, one that grows has as much in it as before."""
        first, before = self.limit is None and limit is not None, self.burst
        super().relimit(limit)
        if first:
            self.level = self.burst * self.every
        else:
            self.level -= max(0, before - self.burst) * self.every

    def take_over(self, before: Account, now: Micros) -> None:
        self._inherit(before)
        if isinstance(before, BucketAccount):
            self.settled = before.settled
            lost = max(0, before.burst - self.burst)
            level = before.level * self.every // before.every - lost * self.every
        else:
            level = ((self.limit or 0) - max(0, before.figures(now).used)) * self.every
        self.level = min(self.burst * self.every, level)

    # --- room ---------------------------------------------------------------------------------

    def earliest(
        self, units: int, lifetime: Micros, after: Micros, latest: Micros, now: Micros, asker: Asker
    ) -> Micros | None:
        """Exact for the instant ``now``. A later start is only taken where no promise after it
        would have less than these units to spare, though some of them might flow in again."""
        if self.limit is None:
            return after
        back = self.back(asker)
        need, wanted = units * self.every, (units + back) * self.every
        if units + back > self.burst or (self.limit == 0 and wanted > self.level):
            return None
        held = self.held * self.every
        flow, point = self._flow(), Point(self._at, self.level, held)
        if after == now and self.level - held >= wanted and self._fits_now(need, lifetime):
            return now
        fits = partial(self._turns.earliest, flow, point, wanted)
        start = fits(after)
        if start is None or start <= now:
            return start
        length = lifetime + self.every
        return self._shares.turn(start, units, length, self.limit, now, asker, fits)

    def _flow(self) -> Flow:
        return Flow(self.limit or 0, self.burst * self.every)

    def _fits_now(self, need: int, lifetime: Micros) -> bool:
        """Whether every promise still holds if the need is held from now on."""
        if not self._waiting:
            return True
        turns, flow, held = self._turns, self._flow(), self.held * self.every
        if turns.least(flow, Point(self._at, self.level, held)) >= need:
            return True
        draw = (self._at + lifetime, -need, -need)
        turns.add(draw)
        least = turns.least(flow, Point(self._at, self.level, held + need))
        turns.remove(draw)
        return least >= 0

    def extendable(self, leg: Leg, end: Micros, now: Micros) -> bool:
        turns, flow, need = self._turns, self._flow(), leg.units * self.every
        point = Point(self._at, self.level, self.held * self.every)
        before = turns.least(flow, point)
        turns.remove((leg.end, -need, -need))
        turns.add((end, -need, -need))
        after = turns.least(flow, point)
        turns.remove((end, -need, -need))
        turns.add((leg.end, -need, -need))
        return after >= min(0, before)

    # --- holds and use ------------------------------------------------------------------------

    def hold(self, leg: Leg, now: Micros) -> None:
        self._admit(leg, now)
        need = leg.units * self.every
        self._turns.add((leg.end, -need, -need))
        if not leg.started:
            self._turns.add((leg.start, need, 0))
            self._shares.promise(leg, self.limit, now)

    def touch(self, asker: Asker, now: Micros) -> None:
        self._shares.touch(asker, now)

    def settle(self, leg: Leg, used: int, at: Micros) -> None:
        if self._shares.drop(leg) and used:
            self._shares.use(leg, used, at, self.limit)
        super().settle(leg, used, at)

    def drop(self, leg: Leg, now: Micros) -> None:
        self._shares.drop(leg)
        need = leg.units * self.every
        self._turns.remove((leg.end, -need, -need))
        if not leg.started:
            self._began(leg)
        self._dismiss(leg)

    def _began(self, leg: Leg) -> None:
        self._turns.remove((leg.start, leg.units * self.every, 0))

    def use(self, units: int, at: Micros, party: Party) -> None:
        self.level -= units * self.every
        self.settled.add(at, units)
        self.settled.forget(at - max(self.every, KEPT))
        self.tally.add(party, units, at + self.every)
        self.version += 1

    def correct(self, units: int, at: Micros, party: Party) -> bool:
        if self.observed_at is not None and self.observed_at >= at:
            return False
        draw = units * self.every
        if draw < 0:
            # what was not used after all may have flowed in again since, and must not do so twice
            draw = min(0, draw + (self.limit or 0) * (self._at - at))
        self.level = min(self.level - draw, self.burst * self.every)
        self.settled.add(at, units)
        self.tally.add(party, units, at + self.every)
        self.version += 1
        return True

    def figures(self, now: Micros) -> Figures:
        burst, level = self.burst, self.level // self.every
        available = 0 if self.limit is None else max(0, level - self.held)
        full_in = self.burst * self.every - self.level
        reset_at = now - -full_in // self.limit if self.limit and full_in > 0 else None
        return Figures(self.limit, burst - level, self.held, self.scheduled, available, reset_at)

    # --- observation --------------------------------------------------------------------------

    def reconcile(self, seen: Observation, now: Micros) -> Reconciled:
        newest = self.observed_at is None or seen.dated >= self.observed_at
        first = self.observed_at is None
        before = (self.limit, self.level)
        if newest:
            if seen.limit is not None:
                self.relimit(seen.limit)
            self.observed_at = seen.dated
        remaining = self._remaining_in(seen)
        result = Reconciled()
        if remaining is not None:
            result = self._adopt(remaining, seen.dated, now, newest, first)
        changed = before != (self.limit, self.level)
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
        """The number was counted between ``dated``, when it was asked for, and now: what flowed in
        meanwhile may be in it. Our own level stands where both readings leave room for it."""
        full, settled = self.burst * self.every, self.settled.after(dated) * self.every
        least = min(full, remaining * self.every)
        most = min(full, least + (self.limit or 0) * max(0, now - dated)) - settled
        mine = self.level
        adopted = min(max(mine, least - settled), most)
        self.level = adopted if newest else min(mine, most)
        used, observed = self.burst - mine // self.every, self.burst - adopted // self.every
        high = used + self.held
        drift = 0 if first or not newest else outside(observed, used, high)
        return Reconciled(True, max(0, observed - high), drift, used, high, observed)
