"""Accounts in which every unit comes back on its own: sliding windows and concurrency.

A sliding window counts a unit for W after it was used; with W = 0 it is free as soon as its hold
resolves, which is concurrency. A hold counts from its start until W after its latest end.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from functools import partial

from ratelord_core.ledger.account import SPREAD, Account, latest_first, outside
from ratelord_core.ledger.hold import NOBODY, Asker, Figures, Leg, Party, Reconciled, Reset
from ratelord_core.ledger.profile import Profile
from ratelord_core.ledger.settled import KEPT
from ratelord_core.ledger.shares import Shares
from ratelord_core.model.instant import Micros
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import Pool

Use = tuple[Micros, int, bool]
"""When, how many, and whether only the provider saw it."""


class TrailingAccount(Account):
    """At most ``limit`` units within any stretch of W µs (W = 0: at any instant)."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self.span = pool.window.every or 0 if pool.window.kind == "sliding" else 0
        self.used = 0
        self._uses: list[Use] = []
        """In order of time. Those before ``_counting`` have come back; a late observation may
        still be about them."""
        self._counting = 0
        self._external = 0
        self._profile = Profile()
        self._shares = Shares(self.span)

    def advance(self, now: Micros) -> Reset | None:
        self.begin(now)
        self.tally.advance(now)
        self._profile.advance(now)
        uses, span = self._uses, self.span
        while self._counting < len(uses) and uses[self._counting][0] + span <= now:
            self.used -= uses[self._counting][1]
            self._counting += 1
            self.version += 1
        if self._counting > 64 and 2 * self._counting > len(uses):
            self._forget(now - span - KEPT)
        return None

    def _forget(self, before: Micros) -> None:
        gone = min(self._counting, bisect_left(self._uses, before, key=_when))
        del self._uses[:gone]
        self._counting -= gone

    # --- room ---------------------------------------------------------------------------------

    def earliest(
        self, units: int, lifetime: Micros, after: Micros, latest: Micros, now: Micros, asker: Asker
    ) -> Micros | None:
        limit = self.limit
        if limit is None:
            return after
        room = limit - units - self._external - self.back(asker)
        if room < 0:
            return None
        if after == now and not self._waiting and self.used + self.held <= room:
            return now
        length = max(lifetime + self.span, 1)
        fits = partial(self._profile.earliest, room, length)
        start = fits(after)
        if start is not None and start > now:
            start = self._shares.turn(start, units, length, limit, now, asker, fits)
        if start is None or start <= now:
            return start
        spaced = self._spaced(start, latest)
        if spaced == start:
            return start
        later = fits(spaced)
        return later if later is not None and later <= latest else start

    def _spaced(self, start: Micros, latest: Micros) -> Micros:
        """Not on the heels of those who were promised the same moment."""
        if not self.span:
            return start
        crowd = bisect_left(self._waiting, -(start + self.span // SPREAD), key=latest_first)
        if crowd == len(self._waiting) or self._waiting[crowd].start < start:
            return start
        last = self._waiting[crowd]
        return max(start, min(last.start + self.spacing(last.units, self.span), latest))

    def extendable(self, leg: Leg, end: Micros, now: Micros) -> bool:
        longer = end - leg.end
        if self.limit is None or longer <= 0:
            return True
        room, since = self.limit - leg.units - self._external, leg.end + self.span
        return self._profile.earliest(room, longer, since) == since

    # --- holds --------------------------------------------------------------------------------

    def hold(self, leg: Leg, now: Micros) -> None:
        self._admit(leg, now)
        self._profile.add(leg.start, self._back(leg), leg.units)
        if not leg.started:
            self._shares.promise(leg, self.limit, now)

    def touch(self, asker: Asker, now: Micros) -> None:
        self._shares.touch(asker, now)

    def drop(self, leg: Leg, now: Micros) -> None:
        self._dismiss(leg)
        self._profile.add(leg.start, self._back(leg), -leg.units)
        self._shares.drop(leg)

    def settle(self, leg: Leg, used: int, at: Micros) -> None:
        if self._shares.drop(leg) and used:
            self._shares.use(leg, used, at, self.limit)
        super().settle(leg, used, at)

    def _back(self, leg: Leg) -> Micros:
        """When a leg's units come back at the latest."""
        return max(leg.end + self.span, leg.start + 1)

    # --- use ----------------------------------------------------------------------------------

    def use(self, units: int, at: Micros, party: Party) -> None:
        if self.span:
            self._count((at, units, False), party)

    def _count(self, use: Use, party: Party) -> None:
        at, units, _ = use
        insort(self._uses, use)
        self.used += units
        self._profile.add(at, at + self.span, units)
        self.tally.add(party, units, at + self.span)
        self.version += 1

    def correct(self, units: int, at: Micros, party: Party) -> bool:
        covered = self.observed_at is not None and self.observed_at >= at
        first = bisect_left(self._uses, at, lo=self._counting, key=_when)
        if not self.span or covered or first == len(self._uses) or self._uses[first][0] != at:
            return False
        if units > 0:
            self._count((at, units, False), party)
            return True
        self.tally.add(party, -self._take_back(range(first, len(self._uses)), -units, at))
        return True

    def _take_back(self, indexes: range, units: int, latest: Micros) -> int:
        """Uncount up to so many units, of the uses at these places up to ``latest``, in order."""
        left = units
        for index in indexes:
            at, amount, external = self._uses[index]
            if not left or at > latest:
                break
            gone = min(left, amount)
            left -= gone
            self._uses[index] = (at, amount - gone, external)
            if index >= self._counting:
                self.used -= gone
                self._profile.add(at, at + self.span, -gone)
        self.version += 1
        return units - left

    def figures(self, now: Micros) -> Figures:
        used, limit = self.used + self._external, self.limit
        free = 0 if limit is None else max(0, limit - used - self.held)
        counting = self._counting < len(self._uses)
        reset_at = self._uses[self._counting][0] + self.span if counting else None
        return Figures(limit, used, self.held, self.scheduled, free, reset_at)

    # --- observation --------------------------------------------------------------------------

    def reconcile(self, seen: Observation, now: Micros) -> Reconciled:
        first = self.observed_at is None
        newest = self.observed_at is None or seen.dated >= self.observed_at
        before = (self.limit, self.used, self._external, self.span)
        if newest and seen.limit is not None:
            self.relimit(seen.limit)
        if newest and self.span and seen.window_every:
            self._respan(seen.window_every, now)
        observed = self.used_from(seen)
        result = Reconciled()
        if observed is not None and self.span:
            result = self._adopt_trailing(observed, seen.dated, now, newest)
        elif observed is not None:
            result = self._adopt_running(observed, newest)
        if newest:
            self.observed_at = seen.dated
        changed = before != (self.limit, self.used, self._external, self.span)
        self.version += changed
        drift = result.drift if newest and not first else 0
        return Reconciled(changed, result.surplus, drift, result.low, result.high, observed)

    def _respan(self, span: Micros, now: Micros) -> None:
        """Another W: what counts now and came in since then goes on counting."""
        if span == self.span:
            return
        self._uses, self._counting, self.used, self.span = self._uses[self._counting :], 0, 0, span
        self._profile = Profile()
        self._profile.advance(now)
        for leg in self.legs:
            self._profile.add(leg.start, self._back(leg), leg.units)
        for at, units, _ in self._uses:
            self.used += units
            self._profile.add(at, at + span, units)
        self.advance(now)

    def _adopt_trailing(
        self, observed: int, dated: Micros, now: Micros, newest: bool
    ) -> Reconciled:
        """What the provider counts beyond ours is dated ``dated``; what it does not count was ours
        the longest ago. An older number only adds what no newer one has already shown."""
        remembered = max(dated, now - KEPT) - self.span
        begin = bisect_right(self._uses, remembered, key=_when)
        end = bisect_right(self._uses, dated, key=_when)
        later = self._uses[end:]
        mine = sum(units for _, units, _ in self._uses[begin:end])
        if not newest:
            mine += sum(units for _, units, external in later if external)
        high = mine + self.held + sum(units for _, units, external in later if not external)
        if observed > mine and dated + self.span > now:
            self._count((dated, observed - mine, True), NOBODY)
        elif observed < mine and newest:
            self._take_back(range(begin, end), mine - observed, dated)
        return Reconciled(True, max(0, observed - high), outside(observed, mine, high), mine, high)

    def _adopt_running(self, observed: int, newest: bool) -> Reconciled:
        """What runs elsewhere: the provider's count less what we hold ourselves."""
        elsewhere = max(0, observed - self.held)
        before = self._external
        self._external = elsewhere if newest else max(before, elsewhere)
        drift = outside(observed, before, before + self.held)
        return Reconciled(True, 0, drift, before, before + self.held)


def _when(use: Use) -> Micros:
    return use[0]
