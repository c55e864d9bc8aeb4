"""Accounts whose capacity comes back all at once: fixed and calendar windows.

A window is known by its end, the instant at which we refill. A hold counts in every window between
its start and its expiry, because it may turn into use in any of them; that is why a promise, once
given, can be kept whatever happens.
"""

from __future__ import annotations

from collections.abc import Iterator

from ratelord_core.ledger.account import Account, SettledLog, guard_of, outside
from ratelord_core.ledger.activity import Activity
from ratelord_core.ledger.calendar import next_boundary
from ratelord_core.ledger.hold import NEVER, Asker, Figures, Leg, Party, Reconciled, Reset
from ratelord_core.model.instant import DAY, HOUR, MINUTE, Micros
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import Pool

_LENGTH = {"hour": HOUR, "day": DAY, "week": 7 * DAY, "month": 30 * DAY}
_FARTHEST = 1024
"""Windows looked ahead, and the most that one hold is filed under; a longer one counts in all."""
_KEPT = 2 * MINUTE


class PeriodAccount(Account):
    """Capacity ``limit`` per window; windows follow one another."""

    def __init__(self, pool: Pool, now: Micros, reserve_percent: float = 0.0) -> None:
        super().__init__(pool)
        window = pool.window
        self._calendar = (window.unit, window.timezone) if window.unit else None
        self.every = _LENGTH[window.unit] if window.unit else window.every
        self._guard = 0 if pool.local else guard_of(self.every)
        self._ease = guard_of(self.every)
        self._reserve = 0.0 if pool.local or self._calendar else reserve_percent
        self.start = 0
        self.end = self._first_end(now)
        self.used = 0
        self._committed: dict[Micros, int] = {}
        self._endless = 0
        self._promised: dict[Micros, int] = {}
        self._promised_to: dict[tuple[Micros, str], int] = {}
        self._settled = SettledLog()
        self._activity = Activity(self.every or HOUR)

    def _first_end(self, now: Micros) -> Micros:
        if self._calendar:
            return self._boundary(now)
        every, anchor = self.every, self.pool.window.anchor
        if anchor is not None and every:
            return anchor + self._guard - (anchor + self._guard - now - 1) // every * every
        if anchor is not None and anchor + self._guard > now:
            return anchor + self._guard
        return now + every + self._guard if every else NEVER

    def _boundary(self, after: Micros) -> Micros:
        assert self._calendar is not None  # noqa: S101 - narrows the type for calendar pools only
        unit, zone = self._calendar
        return next_boundary(after - self._guard, unit, zone) + self._guard

    def end_of(self, instant: Micros) -> Micros:
        """The end of the window that contains an instant, as far as it is known now."""
        end = self.end
        if instant < end:
            return end
        if end == NEVER:
            return NEVER
        if self._calendar:
            return self._boundary(instant)
        if not self.every:
            return NEVER
        return end + ((instant - end) // self.every + 1) * self.every

    def _ends(self, start: Micros, last: Micros) -> Iterator[Micros]:
        end = self.end_of(start)
        yield end
        while end <= last and end < NEVER:
            end = self.end_of(end)
            yield end

    # --- time ---------------------------------------------------------------------------------

    def advance(self, now: Micros) -> Reset | None:
        self.begin(now)
        self.tally.advance(now)
        if now < self.end:
            return None
        ended, used = self.end, self.used
        self.start, self.end = self._window_around(now)
        for end in [end for end in self._committed if end <= now]:
            del self._committed[end]
        for end in [end for end in self._promised if end <= now]:
            del self._promised[end]
        self._promised_to = {k: v for k, v in self._promised_to.items() if k[0] > now}
        self.used = 0
        self._settled.clear()
        self.tally.clear()
        self.version += 1
        next_at = None if self.end == NEVER else self.end - self._guard
        return Reset(self.pool.key, used, ended - self._guard, next_at)

    def _window_around(self, now: Micros) -> tuple[Micros, Micros]:
        start = self.end
        end = self.end_of(now)
        if end == NEVER:
            return start, NEVER
        if not self._calendar and self.every:
            return end - self.every, end
        while (after := self.end_of(start)) <= now:
            start = after
        return start, end

    def keep_end(self, before: PeriodAccount, now: Micros) -> None:
        """Take over the present window of the account that this one replaces: no early refill."""
        if before.end > now and before.end < NEVER and not self._calendar:
            self.end = max(self.end, before.end) if self.every is None else before.end
        self.start = before.start

    # --- room ---------------------------------------------------------------------------------

    def _taken(self, end: Micros) -> int:
        taken = self._committed.get(end, 0) + self._endless
        return taken + self.used if end == self.end else taken

    def _kept(self, end: Micros, now: Micros, asker: Asker) -> int:
        """Units of the window that only urgent intents may take; they melt as the reset nears."""
        if asker.urgent or not self._reserve or not self.every or not self.limit or end == NEVER:
            return 0
        left = min(self.every, max(0, end - self._guard - now)) if end == self.end else self.every
        return int(self._reserve * self.limit * left // (100 * self.every))

    def _fits(self, units: int, start: Micros, last: Micros, now: Micros, asker: Asker) -> bool:
        limit = self.limit
        if limit is None:
            return True
        first = True
        for number, end in enumerate(self._ends(start, last)):
            kept = self._kept(end, now, asker) if first else 0
            if self._taken(end) + units + kept > limit:
                return False
            if number == _FARTHEST:
                return True
            first = False
        return True

    def earliest(
        self, units: int, lifetime: Micros, after: Micros, latest: Micros, now: Micros, asker: Asker
    ) -> Micros | None:
        limit = self.limit
        if limit is None:
            return after
        if units > limit:
            return None
        end = self.end_of(after)
        start = after
        for _ in range(_FARTHEST):
            if end > self.end:
                start = self._spaced(end, start, latest)
                end = self.end_of(start)
            in_share = end == self.end or self._within_share(end, units, now, asker)
            if in_share and self._fits(units, start, start + lifetime, now, asker):
                return start
            if end == NEVER:
                return None
            start, end = end, self.end_of(end)
        return None

    def _spaced(self, end: Micros, start: Micros, latest: Micros) -> Micros:
        """Where in a later window the next one in line may start."""
        opens = self._opening(end)
        ease = self._ease - self._guard
        spaced = opens + ease + self.spacing(self._promised.get(end, 0), self.every)
        return max(start, opens, min(spaced, max(latest, opens)))

    def _opening(self, end: Micros) -> Micros:
        if end == NEVER:
            return self.end if self.end < NEVER else self.start
        if not self._calendar and self.every:
            return max(self.end, end - self.every)
        opens = self.end
        while (after := self.end_of(opens)) < end:
            opens = after
        return opens

    def _within_share(self, end: Micros, units: int, now: Micros, asker: Asker) -> bool:
        promised = self._promised_to.get((end, asker.agent), 0)
        if promised == 0:
            return True
        share = self._activity.share(asker.agent, asker.weight, self.limit or 0, now)
        return promised + units <= share

    # --- holds --------------------------------------------------------------------------------

    def hold(self, leg: Leg, now: Micros) -> None:
        leg.endless = False
        self._file(leg, 1)
        self._admit(leg, now)
        end = self.end_of(leg.start)
        if end > self.end:
            self._promise(leg, end)

    def touch(self, asker: Asker, now: Micros) -> None:
        self._activity.touch(asker.agent, asker.weight, now)

    def _promise(self, leg: Leg, end: Micros) -> None:
        leg.promised = end
        self._promised[end] = self._promised.get(end, 0) + leg.units
        key = (end, leg.asker.agent)
        self._promised_to[key] = self._promised_to.get(key, 0) + leg.units

    def drop(self, leg: Leg, now: Micros) -> None:
        self._file(leg, -1)
        self._dismiss(leg)
        if leg.promised in self._promised:
            self._promised[leg.promised] -= leg.units
            self._promised_to[leg.promised, leg.asker.agent] -= leg.units
        leg.promised = None

    def _file(self, leg: Leg, sign: int) -> None:
        """Count a leg in every window that it may end in."""
        units = sign * leg.units
        ends = () if leg.endless else self._ends(max(leg.start, self.start), leg.end)
        filed = []
        for end in ends:
            filed.append(end)
            if len(filed) > _FARTHEST:
                leg.endless = True
                break
        if leg.endless:
            self._endless += units
            return
        for end in filed:
            self._committed[end] = self._committed.get(end, 0) + units

    def _refile(self) -> None:
        """The windows moved: file every leg anew."""
        self._committed.clear()
        self._promised.clear()
        self._promised_to.clear()
        self._endless = 0
        for leg in self.legs:
            leg.endless = False
            leg.promised = None
            self._file(leg, 1)
        for leg in self._waiting:
            end = self.end_of(leg.start)
            if end > self.end:
                self._promise(leg, end)

    # --- use ----------------------------------------------------------------------------------

    def use(self, units: int, at: Micros, party: Party) -> None:
        self.used += units
        self._settled.add(at, units)
        self.tally.add(party, units)
        self.version += 1

    def correct(self, units: int, at: Micros, party: Party) -> bool:
        if at < self.start or (self.observed_at is not None and self.observed_at >= at):
            return False
        self.used = max(0, self.used + units)
        self._settled.add(at, units)
        self.tally.add(party, units)
        self.version += 1
        return True

    def figures(self, now: Micros) -> Figures:
        limit = self.limit
        free = 0 if limit is None else max(0, limit - self._taken(self.end))
        reset_at = None if self.end == NEVER else self.end - self._guard
        return Figures(limit, self.used, self.held, self.scheduled, free, reset_at)

    # --- observation --------------------------------------------------------------------------

    def reconcile(self, seen: Observation, now: Micros) -> Reconciled:
        newest = self.observed_at is None or seen.dated >= self.observed_at
        before = (self.limit, self.used, self.end)
        if newest:
            self._learn_shape(seen, now)
        result = self._adopt(seen, newest)
        if newest:
            self.observed_at = seen.dated
            self._settled.forget(seen.dated - _KEPT)
        changed = before != (self.limit, self.used, self.end)
        self.version += changed
        return Reconciled(
            changed, result.surplus, result.drift, result.low, result.high, result.observed
        )

    def _learn_shape(self, seen: Observation, now: Micros) -> None:
        if seen.limit is not None:
            self.relimit(seen.limit)
        if seen.window_every and seen.window_every != self.every and not self._calendar:
            self.every = seen.window_every
            self._refile()
        if seen.reset_at is None or self._calendar:
            return
        end = seen.reset_at + self._guard
        if end <= now or end == self.end:
            return
        if self.end < NEVER and self.end - self._guard <= seen.dated < seen.reset_at:
            self._provider_rolled()
        self.end = end
        self._refile()

    def _provider_rolled(self) -> None:
        """Its new window began while we still waited out the guard."""
        self.start = self.end - self._guard
        self.used = self._settled.after(self.start - 1)
        self.tally.clear()

    def _adopt(self, seen: Observation, newest: bool) -> Reconciled:
        observed = self.used_from(seen)
        of_last_window = seen.dated < self.start or (
            seen.reset_at is not None and seen.reset_at + self._guard <= self.start
        )
        if observed is None or of_last_window:
            return Reconciled()
        later = self._settled.after(seen.dated)
        if not newest:
            self.used = max(self.used, observed + later)
            return Reconciled(observed=observed)
        low = max(0, self.used - later)
        high = self.used + self.held
        self.used = observed + later
        drift = 0 if self.observed_at is None else outside(observed, low, high)
        return Reconciled(True, max(0, observed - high), drift, low, high, observed)
