"""Who has been promised how much: what comes back later is shared among those who want it."""

from __future__ import annotations

from collections.abc import Callable

from ratelord_core.ledger.activity import Activity
from ratelord_core.ledger.hold import Asker, Leg
from ratelord_core.ledger.profile import Profile
from ratelord_core.model.instant import MINUTE, Micros

_ROUNDS = 64
_FEW = 32
"""Agents for whom nobody tidies up."""

Fits = Callable[[Micros], Micros | None]
"""The earliest instant from another one on at which the account itself has room."""


class Shares:
    """Weighted max-min shares of an account whose units come back one by one.

    A promise takes its units from its start until they are back at the latest. Of what is promised
    for any instant, one agent has at most its weighted share among those that were active within
    the last W, or a minute if that is longer: windows of seconds are waited for much longer than
    they last. Where a share is less than what is wanted, a promise counts for longer in proportion,
    so that agents take turns. What starts at once is nobody's promise and is not shared.
    """

    __slots__ = ("_activity", "_own", "_promised", "_span")

    def __init__(self, span: Micros) -> None:
        self._span = span
        self._activity = Activity(max(span, MINUTE))
        self._own: dict[str, Profile] = {}
        self._promised: dict[str, tuple[Micros, Micros]] = {}
        """When each promise starts and stops to count, by its intent."""

    def touch(self, asker: Asker, now: Micros) -> None:
        """An agent is active."""
        self._activity.touch(asker.agent, asker.weight, now)

    def turn(
        self,
        start: Micros,
        units: int,
        length: Micros,
        limit: int,
        now: Micros,
        asker: Asker,
        fits: Fits,
    ) -> Micros | None:
        """The earliest instant from ``start`` on, at which there is room, that leaves the agent
        within its share of ``limit`` while it takes so many units for so long."""
        own = self._own.get(asker.agent)
        mine, whole = self._activity.parts(asker.agent, asker.weight, now)
        if own is None or mine == whole:
            return start
        own.advance(now)
        room = max(0, -(-limit * mine // whole) - units)
        lasts = _lasting(length, units, limit * mine, whole)
        for _ in range(_ROUNDS):
            found = own.earliest(room, lasts, start)
            if found is None or found == start:
                return start
            later = fits(found)
            if later is None:
                return None
            start = later
        return start

    # --- what was promised --------------------------------------------------------------------

    def promise(self, leg: Leg, limit: int | None, now: Micros) -> None:
        """A leg is held that starts later."""
        until = self._until(leg, leg.start, leg.end + self._span, limit, leg.units, now)
        self._of(leg.asker.agent, now).add(leg.start, until, leg.units)
        self._promised[leg.intent_id] = (leg.start, until)

    def drop(self, leg: Leg) -> bool:
        """A leg is held no longer; whether it was a promise."""
        found = self._promised.pop(leg.intent_id, None)
        if found is not None and leg.asker.agent in self._own:
            self._own[leg.asker.agent].add(*found, -leg.units)
        return found is not None

    def use(self, leg: Leg, used: int, at: Micros, limit: int | None) -> None:
        """A promise was used: that counts instead of it."""
        if self._span:
            until = self._until(leg, at, at + self._span, limit, used, at)
            self._of(leg.asker.agent, at).add(at, until, used)

    def _until(
        self, leg: Leg, start: Micros, end: Micros, limit: int | None, units: int, now: Micros
    ) -> Micros:
        mine, whole = self._activity.parts(leg.asker.agent, leg.asker.weight, now)
        return start + max(1, _lasting(end - start, units, (limit or 0) * mine, whole))

    def _of(self, agent: str, now: Micros) -> Profile:
        own = self._own.get(agent)
        if own is None:
            if len(self._own) > _FEW + 2 * len(self._activity):
                self._tidy(now)
            own = self._own[agent] = Profile()
        own.advance(now)
        return own

    def _tidy(self, now: Micros) -> None:
        """Forget those for whom nothing counts any more."""
        for agent, own in list(self._own.items()):
            own.advance(now)
            if own.is_empty:
                del self._own[agent]


def _lasting(length: Micros, units: int, mine: int, whole: int) -> Micros:
    """How long units count against a share of ``mine / whole`` units: longer than ``length`` by as
    much as they are more than that."""
    return length * units * whole // mine if 0 < mine < units * whole else length
