"""One pool's account: what every kind of window has in common.

An account is pure: instants come in, nothing is looked up. ``advance`` must have been called with
the present instant before any other question; going there in one step or in many gives the same
account.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right, insort

from ratelord_core.ledger.hold import Asker, Figures, Leg, Party, Reconciled, Reset
from ratelord_core.ledger.tally import Tally
from ratelord_core.model.instant import SECOND, Micros
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import Pool

_LONGEST_GUARD = SECOND
_SPREAD = 10


def guard_of(every: Micros | None) -> Micros:
    """How long after a provider's reset we trust that it has happened: 1 s, or W/20 if less."""
    return _LONGEST_GUARD if every is None else min(_LONGEST_GUARD, every // 20)


class Account(ABC):
    """The ledger of one pool."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.limit = pool.limit
        self.held = 0
        self.scheduled = 0
        self.settled_total = 0
        """Units ever settled here; never falls."""
        self.version = 0
        """Grows with every change of the figures."""
        self.observed_at: Micros | None = None
        self.tally = Tally()
        self.legs: set[Leg] = set()
        self._waiting: list[Leg] = []
        """Scheduled legs, the next to start last."""

    @abstractmethod
    def advance(self, now: Micros) -> Reset | None:
        """Bring the account to ``now``; the last window's end if one ended."""

    @abstractmethod
    def earliest(
        self, units: int, lifetime: Micros, after: Micros, latest: Micros, now: Micros, asker: Asker
    ) -> Micros | None:
        """The earliest start at or after ``after`` at which the units fit and every promise still
        holds; None if no such instant is known. Starts of a crowd that must wait are spaced, but
        never beyond ``latest`` on account of spacing alone."""

    @abstractmethod
    def hold(self, leg: Leg, now: Micros) -> None:
        """Set a leg's units aside."""

    @abstractmethod
    def drop(self, leg: Leg, now: Micros) -> None:
        """Take a leg away; its units are free again."""

    @abstractmethod
    def use(self, units: int, at: Micros, party: Party) -> None:
        """Count units as used at ``at`` (which is not later than the account's instant)."""

    @abstractmethod
    def correct(self, units: int, at: Micros, party: Party) -> bool:
        """Change usage that was counted at ``at`` by so many units, if it still counts and no
        newer observation covers it; whether it did."""

    @abstractmethod
    def reconcile(self, seen: Observation, now: Micros) -> Reconciled:
        """Adopt a provider's numbers."""

    @abstractmethod
    def figures(self, now: Micros) -> Figures:
        """The account as it stands."""

    def touch(self, asker: Asker, now: Micros) -> None:
        """Note that an agent is active here: future windows are shared among the active."""

    def begin(self, now: Micros) -> None:
        """Scheduled legs whose time has come are held from now on."""
        waiting = self._waiting
        while waiting and waiting[-1].start <= now:
            leg = waiting.pop()
            leg.started = True
            self.scheduled -= leg.units
            self.held += leg.units
            self.version += 1

    def _admit(self, leg: Leg, now: Micros) -> None:
        """Count a leg as held or scheduled."""
        self.legs.add(leg)
        leg.started = leg.start <= now
        if leg.started:
            self.held += leg.units
        else:
            self.scheduled += leg.units
            insort(self._waiting, leg, key=_latest_first)
        self.version += 1

    def _dismiss(self, leg: Leg) -> None:
        """Undo ``_admit``."""
        self.legs.remove(leg)
        if leg.started:
            self.held -= leg.units
        else:
            self.scheduled -= leg.units
            self._waiting.remove(leg)
        self.version += 1

    def relimit(self, limit: int | None) -> None:
        """A new limit applies at once; nothing refills."""
        if limit != self.limit:
            self.limit = limit
            self.version += 1

    def extendable(self, leg: Leg, end: Micros, now: Micros) -> bool:
        """Whether the leg could live until ``end`` with every promise kept."""
        self.drop(leg, now)
        fits = self.earliest(leg.units, end - leg.start, leg.start, leg.start, now, leg.asker)
        self.hold(leg, now)
        return self.limit is None or fits == leg.start

    def settle(self, leg: Leg, used: int, at: Micros) -> None:
        """End a leg: its units are free, what was used counts as of ``at``."""
        self.drop(leg, at)
        if used:
            self.use(used, at, leg.asker.party)
        self.settled_total += used

    def used_from(self, seen: Observation) -> int | None:
        """What an observation says was used, if it says so."""
        if seen.used is not None:
            return max(0, seen.used)
        limit = seen.limit if seen.limit is not None else self.limit
        if seen.remaining is not None and limit is not None:
            return max(0, limit - seen.remaining)
        return None

    def spacing(self, units: int, every: Micros | None) -> Micros:
        """How far so many promised units spread the starts of those who wait: W/10 for a limit."""
        if not self.limit:
            return 0
        return units * (every or 60 * SECOND) // (_SPREAD * self.limit)


def outside(observed: int, low: int, high: int) -> int:
    """How far a number lies outside a range."""
    return max(0, observed - high, low - observed)


def _latest_first(leg: Leg) -> Micros:
    return -leg.start


class SettledLog:
    """What was counted as used, and when: to tell what a provider's number already contains."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: list[tuple[Micros, int]] = []

    def add(self, at: Micros, units: int) -> None:
        """Units (negative: a correction) counted as of ``at``."""
        insort(self._entries, (at, units))

    def after(self, dated: Micros) -> int:
        """Units counted later than ``dated``."""
        total = 0
        for at, units in reversed(self._entries):
            if at <= dated:
                break
            total += units
        return total

    def forget(self, before: Micros) -> None:
        """Drop what nobody will ask for again."""
        del self._entries[: bisect_right(self._entries, (before, -1))]

    def clear(self) -> None:
        """A new window."""
        self._entries.clear()
