"""How much of a pool each agent, identity and scope has: added up once somebody asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ratelord_core.ledger.hold import NOBODY, Party


class Parts:
    """Units by agent, by identity and by scope; kept up from the first question on, so that no
    question walks through all parties."""

    __slots__ = ("_by", "total")

    def __init__(self, *sources: Mapping[Party, int]) -> None:
        self._by: tuple[dict[str, int], ...] = ({}, {}, {})
        self.total = 0
        for source in sources:
            self.take_in(source.items())

    def take_in(self, counted: Iterable[tuple[Party, int]]) -> None:
        """Count these as well."""
        for party, units in counted:
            self.add(party, units)

    def add(self, party: Party, units: int) -> None:
        """Count units of a party, or (negative) count them no more."""
        self.total += units
        if party == NOBODY:
            return
        for by, name in zip(self._by, party, strict=True):
            left = by.get(name, 0) + units
            if left:
                by[name] = left
            else:
                by.pop(name, None)

    def units(self, part: int, name: str) -> int:
        """Units of the agent (0), identity (1) or scope (2) of that name."""
        return max(0, self._by[part].get(name, 0))
