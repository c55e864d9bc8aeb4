"""Parts of a pool that are kept for some, or beyond which some may not go.

A part is a share of the limit. What is kept melts as the reset nears, less what its holders took
already, and only while one of them has been there within the last window: an idle part is
everybody's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ratelord_core.ledger.hold import NEVER, Asker, Leg
from ratelord_core.ledger.windows import Windows
from ratelord_core.model.instant import Micros
from ratelord_core.model.pool import WHOLE, Share


class _Portion:
    """One share and what its holders have: held, by the end of the window, and used in this."""

    __slots__ = ("endless", "held", "recent", "seen", "share", "used")

    def __init__(self, share: Share) -> None:
        self.share = share
        self.held: dict[Micros, int] = {}
        self.endless = 0
        self.used = 0
        self.recent: list[tuple[Micros, int]] = []
        """What was used while a reset is waited out: the next window counts it as well."""
        self.seen: Micros | None = None

    def taken(self, end: Micros, windows: Windows) -> int:
        """What its holders have of the window with that end."""
        taken = self.held.get(end, 0) + self.endless
        if end == windows.end:
            return taken + self.used
        if self.recent and end == windows.end_of(windows.end):
            return taken + sum(units for _, units in self.recent)
        return taken


class Portions:
    """The shares of one pool."""

    __slots__ = ("_portions", "_windows")

    def __init__(self, shares: Iterable[Share], windows: Windows) -> None:
        self._windows = windows
        self._portions = {share.of: _Portion(share) for share in shares}

    @property
    def any(self) -> bool:
        """Whether there are shares at all."""
        return bool(self._portions)

    def reshape(self, shares: Iterable[Share], legs: Iterable[Leg]) -> None:
        """Other shares; what is held and used of those that stay goes on counting."""
        before, self._portions = self._portions, {share.of: _Portion(share) for share in shares}
        self._inherit(before)
        self.refile(legs)

    def take_over(self, before: Portions) -> None:
        """Continue the shares of an account of another shape; its legs are handed over."""
        self._inherit(before._portions)

    def _inherit(self, before: Mapping[str, _Portion]) -> None:
        for of, portion in self._portions.items():
            old = before.get(of)
            if old is not None:
                portion.used, portion.recent, portion.seen = old.used, old.recent, old.seen

    # --- room ---------------------------------------------------------------------------------

    def kept(self, end: Micros, limit: int, left: Micros, now: Micros, asker: Asker) -> int:
        """Units of a window that are kept for others than the asker; ``left`` µs of its length are
        still to come."""
        every = self._windows.every
        if not every or end == NEVER:
            return 0
        kept = 0
        for of, portion in self._portions.items():
            seen = portion.seen
            if not portion.share.least or of in asker.groups or seen is None or now - seen > every:
                continue
            least = portion.share.least * limit * left // (WHOLE * every)
            kept += max(0, least - portion.taken(end, self._windows))
        return kept

    def room(self, end: Micros, limit: int, asker: Asker) -> int:
        """What the asker's own shares leave it of a window, at most the limit."""
        room = limit
        for of in asker.groups:
            portion = self._portions.get(of)
            if portion is not None and portion.share.most is not None:
                most = portion.share.most * limit // WHOLE
                room = min(room, most - portion.taken(end, self._windows))
        return room

    def most(self, limit: int, asker: Asker) -> int:
        """What the asker could ever have of an empty window."""
        shares = (self._portions[of].share for of in asker.groups if of in self._portions)
        return min(
            (limit if share.most is None else share.most * limit // WHOLE for share in shares),
            default=limit,
        )

    # --- what happens -------------------------------------------------------------------------

    def touch(self, asker: Asker, now: Micros) -> None:
        """The asker was here."""
        for of in asker.groups:
            if of in self._portions:
                self._portions[of].seen = now

    def add(self, leg: Leg, sign: int = 1) -> None:
        """Units are held in every window that they may be used in (``sign`` -1: no longer).
        Whether the leg outlives all windows is known by now."""
        for of in leg.asker.groups:
            portion = self._portions.get(of)
            if portion is None:
                continue
            if leg.endless:
                portion.endless += sign * leg.units
                continue
            for end in self._windows.over(leg.start, leg.end):
                portion.held[end] = portion.held.get(end, 0) + sign * leg.units

    def use(self, asker: Asker, units: int, at: Micros) -> None:
        """So many units were used; fewer than thought, if negative."""
        early = at >= self._windows.end - self._windows.guard
        for of in asker.groups:
            portion = self._portions.get(of)
            if portion is not None:
                portion.used = max(0, portion.used + units)
                if early:
                    portion.recent.append((at, units))

    def begin_window(self, since: Micros, now: Micros) -> None:
        """Nothing is used but what was used since the reset."""
        for portion in self._portions.values():
            portion.used = max(0, sum(units for at, units in portion.recent if at >= since))
            portion.recent.clear()
            portion.held = {end: units for end, units in portion.held.items() if end > now}

    def refile(self, legs: Iterable[Leg]) -> None:
        """The windows moved: count every leg anew."""
        for portion in self._portions.values():
            portion.held.clear()
            portion.endless = 0
        for leg in legs if self._portions else ():
            self.add(leg)
