"""One pool's account: what every kind of window has in common.

An account is pure: instants come in, nothing is looked up. ``advance`` must have been called with
the present instant before any other question; going there in one step or in many gives the same
account.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left, insort
from collections import defaultdict

from ratelord_core.ledger.hold import NOBODY, Asker, Figures, Leg, Party, Reconciled, Reset
from ratelord_core.ledger.parts import Parts
from ratelord_core.ledger.tally import Tally
from ratelord_core.model.instant import SECOND, Micros
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import WHOLE, Pool

SPREAD = 10
"""Those who wait for the same moment start within this part of a window."""


class Account(ABC):
    """The ledger of one pool."""

    divided = False
    """Whether anybody has a share of it."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.limit = pool.limit
        self.held = 0
        self.holders: defaultdict[Party, int] = defaultdict(int)
        """Units held, by whom they are held for."""
        self._holding: Parts | None = None
        self.scheduled = 0
        self.settled_total = 0
        """Units ever settled here; never falls."""
        self.brought_to: Micros = -1
        """The instant to which ``advance`` was called last; -1 if it must be called again."""
        self.version = 0
        """Grows with every change of the figures."""
        self.observed_at: Micros | None = None
        self.tally = Tally()
        self.kept = pool.reserve or 0
        """The part for urgent intents, in millionths of a percent."""
        self.legs: set[Leg] = set()
        self._waiting: list[Leg] = []
        """Scheduled legs, the next to start last."""

    @property
    def capacity(self) -> int | None:
        """The most that can ever be available at once; None = no limit is known."""
        return self.limit

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

    def reserve(self, percent: float) -> None:
        """Keep so many percent of the limit for urgent intents, where the window has a reserve and
        the pool does not say otherwise."""
        self.kept = self.pool.reserve or 0

    def attribute(self, asker: Asker, units: int, at: Micros) -> None:  # noqa: B027 - as below
        """Count use among the shares of whoever used it."""

    def back(self, asker: Asker) -> int:
        """Units that this asker may not take because they are kept for urgent intents."""
        if not self.kept or asker.urgent:
            return 0
        return -(-self.kept * (self.capacity or 0) // WHOLE)

    def kept_from(self, now: Micros, asker: Asker) -> int:
        """Units of what is available now that this asker may not take."""
        return self.back(asker)

    def left_for(self, now: Micros, asker: Asker) -> int:
        """Units of what is available now that are not kept from this asker."""
        return max(0, self.figures(now).available - self.kept_from(now, asker))

    def touch(self, asker: Asker, now: Micros) -> None:  # noqa: B027 - most kinds have no shares
        """Note that an agent is active here: future windows are shared among the active."""

    def begin(self, now: Micros) -> None:
        """Scheduled legs whose time has come are held from now on."""
        waiting = self._waiting
        while waiting and waiting[-1].start <= now:
            leg = waiting.pop()
            self._began(leg)
            leg.started = True
            self.scheduled -= leg.units
            self.held += leg.units
            self._held_for(leg.asker.party, leg.units)
            self.version += 1

    def _began(self, leg: Leg) -> None:  # noqa: B027 - most kinds need not know
        """A scheduled leg starts."""

    def _admit(self, leg: Leg, now: Micros) -> None:
        """Count a leg as held or scheduled."""
        self.legs.add(leg)
        if leg.start <= now:
            leg.started = True
            self.held += leg.units
            self.holders[leg.asker.party] += leg.units
            if self._holding is not None:
                self._holding.add(leg.asker.party, leg.units)
        else:
            leg.started = False
            self.scheduled += leg.units
            insort(self._waiting, leg, key=latest_first)
        self.version += 1

    def _dismiss(self, leg: Leg) -> None:
        """Undo ``_admit``."""
        self.legs.remove(leg)
        if leg.started:
            party, units = leg.asker.party, leg.units
            self.held -= units
            left = self.holders[party] = self.holders[party] - units
            if not left:
                del self.holders[party]
            if self._holding is not None:
                self._holding.add(party, -units)
        else:
            self.scheduled -= leg.units
            where = bisect_left(self._waiting, -leg.start, key=latest_first)
            self._waiting.pop(self._waiting.index(leg, where))
        self.version += 1

    def _held_for(self, party: Party, units: int) -> None:
        self.holders[party] += units
        if self._holding is not None:
            self._holding.add(party, units)

    def share(self, part: int, name: str) -> float:
        """The part (0 … 1) of what is used and held in the present window that the agent (0), the
        identity (1) or the scope (2) of that name has."""
        if self._holding is None:
            self._holding = Parts(self.holders)
        used, held = self.tally.parts, self._holding
        total = used.total + held.total
        if total <= 0:
            return 0.0
        return (used.units(part, name) + held.units(part, name)) / total

    def relimit(self, limit: int | None) -> None:
        """A new limit applies at once; nothing refills."""
        if limit != self.limit:
            self.limit = limit
            self.version += 1

    @abstractmethod
    def extendable(self, leg: Leg, end: Micros, now: Micros) -> bool:
        """Whether the leg could live until ``end`` with every promise kept."""

    def take_over(self, before: Account, now: Micros) -> None:
        """Continue an account of another shape. Nothing refills: what it counts as used was used
        just now. Its legs are handed over one by one."""
        self._inherit(before)
        used = max(0, before.figures(now).used)
        if used:
            self.use(used, now, NOBODY)

    def _inherit(self, before: Account) -> None:
        self.settled_total = before.settled_total
        self.observed_at = before.observed_at
        self.version = before.version + 1

    def settle(self, leg: Leg, used: int, at: Micros) -> None:
        """End a leg: its units are free, what was used counts as of ``at``."""
        self.drop(leg, at)
        if used:
            self.use(used, at, leg.asker.party)
            if self.divided:
                self.attribute(leg.asker, used, at)
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
        return units * (every or 60 * SECOND) // (SPREAD * self.limit)


def outside(observed: int, low: int, high: int) -> int:
    """How far a number lies outside a range."""
    return max(0, observed - high, low - observed)


def latest_first(leg: Leg) -> Micros:
    """Sorts legs by their start, the latest first."""
    return -leg.start
