"""Who asked for how much of a pool of late: counted in slices of its window.

What every decision costs is one number in a dictionary. Everything else (whose demand that was, how
it ran, what follows from it) is worked out when somebody asks for a share's forecast.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ratelord_core.model.instant import Micros
from ratelord_core.model.party import NOBODY, Party

PER_WINDOW: Final = 8
"""Slices in a window."""
KEPT: Final = 3 * PER_WINDOW
"""Slices that are kept: three windows."""
MOST_PARTIES: Final = 256
"""Parties that are told apart in one slice; what more of them ask for counts as nobody's."""


class Slice(NamedTuple):
    """From ``begin`` to ``end`` (µs), ``asks`` times something was asked for, by whom ``counted``
    says; those ``refused`` would have asked for more."""

    begin: Micros
    end: Micros
    asks: int
    counted: dict[Party, int]
    refused: frozenset[Party]


class Slices:
    """One pool's slices. Where nobody could be let through there are gaps between them."""

    __slots__ = (
        "asks",
        "begin",
        "counted",
        "dry_since",
        "due",
        "length",
        "past",
        "turned_away",
    )  # fmt: skip

    def __init__(self, window: Micros) -> None:
        self.length = max(1, window // PER_WINDOW)
        self.past: list[Slice] = []
        self.begin: Micros | None = None
        self.dry_since: Micros | None = None
        self.turned_away: set[Party] = set()
        self.asks = 0
        self.counted: dict[Party, int] = {}
        self.due: Micros = 0
        """From when on ``turn`` must be called before anything is counted."""

    def __deepcopy__(self, memo: dict[int, object]) -> Slices:
        """Past slices never change, and names are immutable: copying them takes no time."""
        twin = self.empty()
        twin.past, twin.turned_away = list(self.past), set(self.turned_away)
        twin.begin, twin.dry_since = self.begin, self.dry_since
        twin.asks, twin.counted, twin.due = self.asks, dict(self.counted), self.due
        return twin

    def empty(self) -> Slices:
        """Slices of the same length in which nobody was seen."""
        twin = Slices(0)
        twin.length = self.length
        return twin

    def count(self, at: Micros, units: int, party: Party) -> None:
        """A party asked for so many units; fewer than was told, if negative."""
        if at >= self.due:
            self._turn(at)
        counted = self.counted
        if party in counted:
            counted[party] += units
        elif len(counted) < MOST_PARTIES:
            counted[party] = units
        else:
            counted[NOBODY] = counted.get(NOBODY, 0) + units
        self.asks += 1

    def refused(self, at: Micros, party: Party) -> None:
        """A party was not let through."""
        if at >= self.due:
            self._turn(at)
        if len(self.turned_away) < MOST_PARTIES:
            self.turned_away.add(party)

    def shut(self, at: Micros) -> None:
        """The pool ran dry: until it refills, or somebody is let through all the same, nothing that
        is not asked for means anything."""
        self.dry_since, self.due = at, 0

    def opened(self, at: Micros) -> None:
        """The pool has refilled."""
        if self.dry_since is not None and self.begin is not None:
            end = max(self.dry_since, self.begin)
            self._close(end)
            self.begin = max(at, end)
            self.due = self.begin + self.length
        self.dry_since = None

    def until(self, now: Micros) -> list[Slice]:
        """Every slice that is known, the oldest first; the last one is not over yet."""
        if self.begin is None:
            return []
        end = now if self.dry_since is None else self.dry_since
        last = Slice(
            self.begin, max(end, self.begin), self.asks, self.counted, frozenset(self.turned_away)
        )
        return [*self.past, last]

    def _turn(self, at: Micros) -> None:
        """Begin the slice in which ``at`` lies; a long silence is one slice without anything."""
        self.dry_since = None
        begin, length = self.begin, self.length
        if begin is None:
            self.begin = begin = at
        whole = (at - begin) // length
        if whole > 0:
            self._close(begin + length)
            if whole > 1:
                self.past.append(Slice(begin + length, begin + whole * length, 0, {}, frozenset()))
            del self.past[:-KEPT]
            self.begin = begin = begin + whole * length
        self.due = begin + length

    def _close(self, end: Micros) -> None:
        begin = self.begin or 0
        self.past.append(Slice(begin, end, self.asks, self.counted, frozenset(self.turned_away)))
        del self.past[:-KEPT]
        self.asks, self.counted, self.turned_away = 0, {}, set()
