"""Who used how much of a pool in its present window."""

from __future__ import annotations

from heapq import heappop, heappush

from ratelord_core.ledger.hold import NEVER, Party
from ratelord_core.ledger.parts import Parts
from ratelord_core.model.instant import Micros


class Tally:
    """Units by party; a unit leaves when it is released or the window ends."""

    __slots__ = ("_leaving", "_parts", "by_party")

    def __init__(self) -> None:
        self.by_party: dict[Party, int] = {}
        self._leaving: list[tuple[Micros, int, Party]] = []
        self._parts: Parts | None = None

    def add(self, party: Party, units: int, release: Micros = NEVER) -> None:
        """Count units (negative ones correct earlier ones) until ``release``."""
        if units == 0:
            return
        counted = self.by_party
        counted[party] = counted.get(party, 0) + units
        if self._parts is not None:
            self._parts.add(party, units)
        if release < NEVER:
            heappush(self._leaving, (release, units, party))

    def advance(self, now: Micros) -> None:
        """Let go of what was released by now."""
        leaving = self._leaving
        while leaving and leaving[0][0] <= now:
            _, units, party = heappop(leaving)
            left = self.by_party.get(party, 0) - units
            if left > 0:
                self._count(party, -units)
            else:
                self._count(party, -self.by_party.get(party, 0))
                self.by_party.pop(party, None)

    def _count(self, party: Party, units: int) -> None:
        self.by_party[party] = self.by_party.get(party, 0) + units
        if self._parts is not None:
            self._parts.add(party, units)

    @property
    def parts(self) -> Parts:
        """The same by agent, identity and scope."""
        if self._parts is None:
            self._parts = Parts(self.by_party)
        return self._parts

    def clear(self) -> None:
        """A new window: nobody used anything."""
        self.by_party.clear()
        self._parts = None
        self._leaving.clear()
