"""Accounts whose capacity comes back all at once: fixed and calendar windows."""

from __future__ import annotations

from ratelord_core.ledger.account import Account, outside
from ratelord_core.ledger.activity import Activity
from ratelord_core.ledger.commitments import FARTHEST, Commitments
from ratelord_core.ledger.hold import NEVER, NOBODY, Asker, Figures, Leg, Party, Reconciled, Reset
from ratelord_core.ledger.portions import Portions
from ratelord_core.ledger.settled import KEPT, SettledLog
from ratelord_core.ledger.windows import Windows
from ratelord_core.model.instant import HOUR, Micros
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import WHOLE, Pool


class PeriodAccount(Account):
    """Capacity ``limit`` per window; windows follow one another."""

    def __init__(self, pool: Pool, now: Micros, reserve_percent: float = 0.0) -> None:
        super().__init__(pool)
        self.windows = Windows(pool, now)
        self.used = 0
        self.portions = Portions(pool.shares, self.windows)
        self.reserve(reserve_percent)
        self._commitments = Commitments(self.windows)
        self.settled = SettledLog()
        self.early: list[tuple[Micros, int, Party]] = []
        """What was used while we wait out the guard: the next window may count it as well."""
        self.activity = Activity(self.windows.every or HOUR)
        self._ended: Reset | None = None

    def reserve(self, percent: float) -> None:
        own, exempt = self.pool.reserve, self.pool.local or self.windows.calendar
        self.kept = own if own is not None else 0 if exempt else round(percent * WHOLE / 100)
        self.portions.reshape(self.pool.shares, self.legs)
        self.divided = self.portions.any

    # --- time ---------------------------------------------------------------------------------

    def advance(self, now: Micros) -> Reset | None:
        if self._waiting:
            self.begin(now)
        if now >= self.windows.end:
            ended, used = self.windows.reset_at or 0, self.used
            self.windows.roll(now)
            self._commitments.forget(now)
            self._begin_window(ended, used)
        reset, self._ended = self._ended, None
        return reset

    def _begin_window(self, ended: Micros, used: int) -> None:
        """Nothing is used but what was used since the reset."""
        since = self.windows.start
        self.settled.forget(since - KEPT)
        self.used = self.settled.after(since - 1)
        self.tally.clear()
        for at, units, party in self.early:
            if at >= since:
                self.tally.add(party, units)
        self.early.clear()
        self.portions.begin_window(since, self.windows.start)
        self.version += 1
        self._ended = Reset(self.pool.key, used, ended, self.windows.reset_at)

    def take_over(self, before: Account, now: Micros) -> None:
        if not isinstance(before, PeriodAccount):
            super().take_over(before, now)
            return
        self._inherit(before)
        self.used, self.settled, self.early = before.used, before.settled, before.early
        self.activity = before.activity
        self.portions.take_over(before.portions)
        reset_at = before.windows.reset_at
        if reset_at is not None and not self.windows.calendar and before.windows.end > now:
            self.windows.move(reset_at)
            if self.windows.end <= now:  # a shorter guard must not let go of the longer one
                self.windows.end = before.windows.end
        self.windows.start = before.windows.start
        self._sort_out_early()

    # --- room ---------------------------------------------------------------------------------

    def _taken(self, end: Micros) -> int:
        windows, filed = self.windows, self._commitments
        taken = filed.units.get(end, 0) + filed.endless
        if end == windows.end:
            return taken + self.used
        if self.early and end == windows.end_of(windows.end):
            return taken + sum(units for _, units, _ in self.early)
        return taken

    def _kept(self, end: Micros, now: Micros, asker: Asker) -> int:
        """Units of the window that only others may take: what is kept melts as the reset nears."""
        windows, limit = self.windows, self.limit
        every, own = windows.every, 0 if asker.urgent else self.kept
        if not ((own or self.divided) and every and limit) or end == NEVER:
            return 0
        left = every
        if end == windows.end:
            left = min(left, max(0, end - windows.guard - now))
        kept = own * limit * left // (WHOLE * every)
        return kept + self.portions.kept(end, limit, left, now, asker) if self.divided else kept

    def kept_from(self, now: Micros, asker: Asker) -> int:
        return self._kept(self.windows.end, now, asker)

    def _room(self, end: Micros, now: Micros, asker: Asker) -> int:
        """What a window has left for this asker."""
        limit = self.limit or 0
        room = limit - self._taken(end)
        if self.kept or self.divided:
            room -= self._kept(end, now, asker)
        return min(room, self.portions.room(end, limit, asker)) if asker.groups else room

    def _blocked(self, units: int, start: Micros, last: Micros, asker: Asker) -> Micros | None:
        """The end of a window between that would be overfull; None if none would."""
        limit, own = self.limit or 0, asker.groups if self.divided else ()
        room = limit - units
        for number, end in enumerate(self.windows.over(start, last)):
            if self._taken(end) > room or (own and self.portions.room(end, limit, asker) < units):
                return end
            if number == FARTHEST:
                return self._commitments.last_above(room, end)
        return None

    def earliest(
        self, units: int, lifetime: Micros, after: Micros, latest: Micros, now: Micros, asker: Asker
    ) -> Micros | None:
        limit = self.limit
        if limit is None:
            return after
        if units > (self.portions.most(limit, asker) if asker.groups else limit):
            return None
        windows, end = self.windows, self.windows.end
        if after + lifetime < end - windows.guard and units <= self._room(end, now, asker):
            return after  # nearly always: it counts in the present window only, and fits
        start, end = after, windows.end_of(after)
        for _ in range(FARTHEST):
            blocked: Micros | None = end
            if self._has_room(end, units, now, asker):
                for begin in self._places(start, end, latest):
                    blocked = self._blocked(units, begin, begin + lifetime, asker)
                    if blocked is None:
                        return begin
            if blocked is None or blocked == NEVER:
                return None
            start, end = blocked, windows.end_of(blocked)
        return None

    def _has_room(self, end: Micros, units: int, now: Micros, asker: Asker) -> bool:
        """Whether the window that a hold would start in lets this asker in."""
        if units > self._room(end, now, asker):
            return False
        return end == self.windows.end or self._within_share(end, units, now, asker)

    def _places(self, start: Micros, end: Micros, latest: Micros) -> tuple[Micros, ...]:
        """Where in its window a hold may start: in a later one behind those who wait already, or,
        if it cannot live long enough there, at once when the window opens."""
        windows = self.windows
        if end == windows.end:
            return (start,)
        opens = windows.opening(end)
        ease = windows.ease - windows.guard
        queue = self.spacing(self._commitments.promised(end), windows.every)
        start = max(start, opens)
        spaced = max(start, min(opens + ease + queue, latest))
        return (start,) if spaced == start or spaced >= end else (spaced, start)

    def _within_share(self, end: Micros, units: int, now: Micros, asker: Asker) -> bool:
        """Whether an agent stays within its share of a later window."""
        promised = self._commitments.promised_to(end, asker.agent)
        if promised == 0:
            return True
        share = self.activity.share(asker.agent, asker.weight, self.limit or 0, now)
        return promised + units <= share

    # --- holds --------------------------------------------------------------------------------

    def hold(self, leg: Leg, now: Micros) -> None:
        self._commitments.add(leg)
        if self.divided:
            self.portions.add(leg)
        self._admit(leg, now)

    def touch(self, asker: Asker, now: Micros) -> None:
        self.activity.touch(asker.party[0], asker.weight, now)
        if self.divided:
            self.portions.touch(asker, now)

    def attribute(self, asker: Asker, units: int, at: Micros) -> None:
        self.portions.use(asker, units, at)

    def drop(self, leg: Leg, now: Micros) -> None:
        if self.divided:
            self.portions.add(leg, -1)
        self._commitments.remove(leg)
        self._dismiss(leg)

    def extendable(self, leg: Leg, end: Micros, now: Micros) -> bool:
        limit = self.limit
        if limit is None:
            return True
        more = self._commitments.newly_in(leg, end)
        return all(self._taken(window) + leg.units <= limit for window in more)

    # --- use ----------------------------------------------------------------------------------

    def use(self, units: int, at: Micros, party: Party) -> None:
        self.used += units
        self.settled.add(at, units)
        self.tally.add(party, units)
        if at >= self.windows.end - self.windows.guard:
            self.early.append((at, units, party))
        self.version += 1

    def correct(self, units: int, at: Micros, party: Party) -> bool:
        if at < self.windows.start or (self.observed_at is not None and self.observed_at >= at):
            return False
        self.use(max(-self.used, units), at, party)
        return True

    def figures(self, now: Micros) -> Figures:
        limit, windows, filed = self.limit, self.windows, self._commitments
        used, end = self.used, windows.end
        free = 0 if limit is None else limit - used - filed.units.get(end, 0) - filed.endless
        reset_at = None if end == NEVER else end - windows.guard
        return Figures(limit, used, self.held, self.scheduled, free if free > 0 else 0, reset_at)

    # --- observation --------------------------------------------------------------------------

    def reconcile(self, seen: Observation, now: Micros) -> Reconciled:
        newest = self.observed_at is None or seen.dated >= self.observed_at
        before = (self.limit, self.used, self.windows.end, self.windows.every)
        if newest:
            self._learn_shape(seen, now)
        result = self._adopt(seen, newest)
        if newest:
            self.observed_at = seen.dated
            self.settled.forget(seen.dated - KEPT)
        changed = before != (self.limit, self.used, self.windows.end, self.windows.every)
        self.version += changed
        return Reconciled(
            changed, result.surplus, result.drift, result.low, result.high, result.observed
        )

    def _learn_shape(self, seen: Observation, now: Micros) -> None:
        windows = self.windows
        if seen.limit is not None:
            self.relimit(seen.limit)
        before = (windows.every, windows.end)
        if windows.calendar:
            self._learn_turn(seen.reset_at, now)
        else:
            windows.every = seen.window_every or windows.every
            if seen.reset_at is not None and seen.reset_at + windows.guard > now:
                self._learn_reset(seen.dated, seen.reset_at)
        if before != (windows.every, windows.end):
            self._sort_out_early()
            self._commitments.refile(self.legs)
            self.portions.refile(self.legs)

    def _learn_reset(self, dated: Micros, reset_at: Micros) -> None:
        windows, known = self.windows, self.windows.reset_at
        windows.move(reset_at)
        if known is not None and known <= dated < reset_at:
            # the provider's new window began while we still wait out the guard
            windows.start = known
            self._begin_window(known, self.used)

    def _learn_turn(self, reset_at: Micros | None, now: Micros) -> None:
        """The provider's calendar has turned while we still wait out the guard: what it counts is
        of the new window, and would be forgotten with the old one."""
        windows, known = self.windows, self.windows.reset_at
        if reset_at is not None and known is not None and known <= now and reset_at > known:
            windows.start, windows.end = known, windows.end_of(windows.end)
            self._begin_window(known, self.used)

    def _sort_out_early(self) -> None:
        """The reset moved: what was used since then is another part of what was used."""
        reset_at = self.windows.reset_at
        self.early = [] if reset_at is None else [use for use in self.early if use[0] >= reset_at]
        if reset_at is not None:
            known = sum(units for _, units, _ in self.early)
            more = self.settled.after(reset_at - 1) - known
            if more:
                self.early.append((reset_at, more, NOBODY))

    def _adopt(self, seen: Observation, newest: bool) -> Reconciled:
        observed = self.used_from(seen)
        if observed is None or self.windows.is_over(seen.dated, seen.reset_at):
            return Reconciled()
        later = self.settled.after(seen.dated)
        low, high = max(0, self.used - later), self.used + self.held
        if not newest:
            self.used = max(self.used, observed + later)
            return Reconciled(observed=observed)
        self.used = observed + later
        drift = 0 if self.observed_at is None else outside(observed, low, high)
        return Reconciled(True, max(0, observed - high), drift, low, high, observed)
