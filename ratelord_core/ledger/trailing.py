"""Accounts in which every unit comes back on its own: sliding windows and concurrency.

A sliding window counts a unit for W after it was used; with W = 0 it is free as soon as its hold
resolves, which is concurrency. A hold counts from its start until W after its latest end.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush

from ratelord_core.ledger.account import Account, outside
from ratelord_core.ledger.hold import Asker, Figures, Leg, Party, Reconciled, Reset
from ratelord_core.ledger.profile import Interval, earliest_gap
from ratelord_core.model.instant import Micros
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import Pool

_OUTSIDE: Party = ("", "", "")
"""Nobody we know: usage that only the provider saw."""


class TrailingAccount(Account):
    """At most ``limit`` units within any stretch of W µs (W = 0: at any instant)."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self.span = pool.window.every or 0 if pool.window.kind == "sliding" else 0
        self.used = 0
        self._uses: list[tuple[Micros, int]] = []
        self._external = 0
        self._last_promised: tuple[Micros, int] = (0, 0)

    def advance(self, now: Micros) -> Reset | None:
        self.begin(now)
        self.tally.advance(now)
        uses = self._uses
        while uses and uses[0][0] <= now:
            self.used -= heappop(uses)[1]
            self.version += 1
        return None

    # --- room ---------------------------------------------------------------------------------

    def _intervals(self) -> Iterator[Interval]:
        for release, units in self._uses:
            yield 0, release, units
        for leg in self.legs:
            yield leg.start, leg.end + self.span, leg.units

    def earliest(
        self, units: int, lifetime: Micros, after: Micros, latest: Micros, now: Micros, asker: Asker
    ) -> Micros | None:
        limit = self.limit
        if limit is None:
            return after
        room = limit - units - self._external
        if room < 0:
            return None
        if after == now and not self._waiting and self.used + self.held <= room:
            return now
        length = max(lifetime + self.span, 1)
        start = earliest_gap(self._intervals(), room, length, after)
        if start is None or start <= now:
            return start
        spaced = self._spaced(start, latest)
        if spaced == start:
            return start
        later = earliest_gap(self._intervals(), room, length, spaced)
        return later if later is not None and later <= latest else start

    def _spaced(self, start: Micros, latest: Micros) -> Micros:
        """Not on the heels of the one promised last."""
        last, units = self._last_promised
        if not self.span or start > last:
            return start
        return max(start, min(last + self.spacing(units, self.span), latest))

    # --- holds --------------------------------------------------------------------------------

    def hold(self, leg: Leg, now: Micros) -> None:
        self._admit(leg, now)
        if not leg.started and leg.start >= self._last_promised[0]:
            self._last_promised = (leg.start, leg.units)

    def drop(self, leg: Leg, now: Micros) -> None:
        self._dismiss(leg)

    # --- use ----------------------------------------------------------------------------------

    def use(self, units: int, at: Micros, party: Party) -> None:
        if not self.span:
            return
        self.used += units
        heappush(self._uses, (at + self.span, units))
        self.tally.add(party, units, at + self.span)
        self.version += 1

    def correct(self, units: int, at: Micros, party: Party) -> bool:
        covered = self.observed_at is not None and self.observed_at >= at
        if not self.span or covered:
            return False
        self.used += units
        heappush(self._uses, (at + self.span, units))
        self.tally.add(party, units, at + self.span)
        self.version += 1
        return True

    def figures(self, now: Micros) -> Figures:
        used = self.used + self._external
        limit = self.limit
        free = 0 if limit is None else max(0, limit - used - self.held)
        reset_at = self._uses[0][0] if self._uses else None
        return Figures(limit, used, self.held, self.scheduled, free, reset_at)

    # --- observation --------------------------------------------------------------------------

    def reconcile(self, seen: Observation, now: Micros) -> Reconciled:
        newest = self.observed_at is None or seen.dated >= self.observed_at
        first = self.observed_at is None
        before = (self.limit, self.used, self._external, self.span)
        if newest:
            if seen.limit is not None:
                self.relimit(seen.limit)
            if self.span and seen.window_every:
                self._respan(seen.window_every)
            self.observed_at = seen.dated
        observed = self.used_from(seen)
        result = Reconciled()
        if observed is not None and self.span:
            result = self._adopt_trailing(observed, seen.dated, now, newest, first)
        elif observed is not None:
            result = self._adopt_running(observed, newest, first)
        changed = before != (self.limit, self.used, self._external, self.span)
        self.version += changed
        return Reconciled(changed, result.surplus, result.drift, result.low, result.high, observed)

    def _respan(self, span: Micros) -> None:
        self._uses = [(at - self.span + span, units) for at, units in self._uses]
        heapify(self._uses)
        self.span = span

    def _adopt_trailing(
        self, observed: int, dated: Micros, now: Micros, newest: bool, first: bool
    ) -> Reconciled:
        mine = sum(units for release, units in self._uses if release - self.span <= dated)
        high = mine + self.held
        if observed > mine and dated + self.span > now:
            surplus = observed - mine
            heappush(self._uses, (dated + self.span, surplus))
            self.tally.add(_OUTSIDE, surplus, dated + self.span)
            self.used += surplus
        elif observed < mine and newest:
            self._forget_oldest(mine - observed, dated)
        drift = 0 if first or not newest else outside(observed, mine, high)
        return Reconciled(True, max(0, observed - high), drift, mine, high, observed)

    def _forget_oldest(self, units: int, dated: Micros) -> None:
        """The provider no longer counts these; the ones released next are the likeliest."""
        kept: list[tuple[Micros, int]] = []
        for release, amount in sorted(self._uses):
            gone = min(units, amount) if release - self.span <= dated else 0
            units -= gone
            self.used -= gone
            if amount > gone:
                kept.append((release, amount - gone))
        self._uses = kept

    def _adopt_running(self, observed: int, newest: bool, first: bool) -> Reconciled:
        """What runs elsewhere: the provider's count less what we hold ourselves."""
        elsewhere = max(0, observed - self.held)
        before = self._external
        self._external = elsewhere if newest else max(before, elsewhere)
        drift = 0 if first or not newest else outside(observed, before, before + self.held)
        return Reconciled(True, 0, drift, before, before + self.held, observed)
