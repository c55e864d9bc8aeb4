"""What was asked for so far, remembered over five lengths of time."""

from __future__ import annotations

from math import exp
from typing import Any, Final

from ratelord_core.forecast.exposure import Exposure

MEMORIES: Final = (1 / 16, 1 / 4, 1.0, 4.0, 16.0)
"""Lengths of the five memories, in windows. Each is four times the one before, so that one
exponential gives the decay of all: the shorter ones are its fourth powers."""

_PRIOR_PACE: Final = 0.1
"""Before anything is known: a tenth of the pace that would just use the limit up …"""
_PRIOR_SPAN: Final = 0.1
"""… believed as if it had been seen for a tenth of a window."""
_PRIOR_LUMPS: Final = 2.0
"""So many lumps' worth of belief each memory has in the longest one."""
_LUMP_DECAY: Final = 0.999
_FIELDS: Final = (
    "span", "start", "clock", "last_at", "last_units", "lumps", "lump_units", "lump_squares",
    "faded",
)  # fmt: skip


class Demand:
    """Exponentially fading sums of one pool's demand, on a clock that stands still while nobody
    could be let through.

    ``span`` is the length of the window in seconds. Usage arrives in lumps of the effective size
    E[x²]/E[x] (``lump``): a rate λ of such lumps has the variance λ·lump in each second.
    """

    __slots__ = (*_FIELDS, "exposure")

    def __init__(self, limit: float, span: float) -> None:
        self.exposure = Exposure(limit, span)
        self.span = span
        self.start: float | None = None
        self.clock = 0.0
        self.last_at = 0.0
        self.last_units = 0.0
        self.lumps = self.lump_units = self.lump_squares = 0.0
        self.faded = [0.0] * len(MEMORIES)

    @property
    def lump(self) -> float:
        """The effective size of one lump, in units."""
        return self.lump_squares / self.lump_units

    @property
    def usual(self) -> float:
        """The mean size of one lump, in units."""
        return self.lump_units / self.lumps

    def observe(self, t: float, units: float) -> float:
        """So many units (more than 0) were asked for at ``t``; the clock's time then."""
        return self.observed(self.exposure.observe(t, units), units)

    def observed(self, at: float, units: float) -> float:
        """The same for a time of the clock, for whom looks at it before the units count."""
        if self.start is None:
            self.start = self.clock = at
        fastest, fast, middle, slow, slowest = self.faded
        if at > self.clock:  # as _fade, but this is done for every pool of every intent
            kept = exp((self.clock - at) / (16.0 * self.span))
            slowest *= kept
            kept *= kept
            kept *= kept
            slow *= kept
            kept *= kept
            kept *= kept
            middle *= kept
            kept *= kept
            kept *= kept
            fast *= kept
            kept *= kept
            kept *= kept
            fastest *= kept
            self.clock = at
        self.faded = [
            fastest + units, fast + units, middle + units, slow + units, slowest + units
        ]  # fmt: skip
        self.lumps = self.lumps * _LUMP_DECAY + 1.0
        self.lump_units = self.lump_units * _LUMP_DECAY + units
        self.lump_squares = self.lump_squares * _LUMP_DECAY + units * units
        self.last_at, self.last_units = at, units
        return at

    def take_back(self, t: float, units: float) -> None:
        """So many units of what was told before turned out not to be used."""
        at = self.exposure.take_back(t, units)
        if self.start is not None:
            if at > self.clock:
                self._fade(at)
            self.faded = [max(0.0, each - units) for each in self.faded]

    def rates(self, at: float) -> list[float]:
        """Units a second by each memory, the shortest first, at the clock's time ``at``.

        In silence each decays towards the longest, and that one towards nothing, never to it.
        """
        longest = MEMORIES[-1] * self.span
        kept = exp(-max(0.0, at - self.clock) / longest)
        gone = exp(-max(0.0, at - (self.start or 0.0)) / longest)
        credit = _PRIOR_SPAN * self.span
        pace = _PRIOR_PACE * (self.exposure.limit or self.lump) / self.span
        units = self.faded[4] * kept + pace * credit
        long = units / (longest * (1.0 - gone) + credit)
        belief = _PRIOR_LUMPS * self.lump
        backed = belief / long
        found = [(self.faded[4] * kept + belief) / (longest * (1.0 - gone) + backed)]
        for place in (3, 2, 1, 0):
            longest *= 0.25
            kept *= kept
            kept *= kept
            gone *= gone
            gone *= gone
            seconds = longest * (1.0 - gone)
            found.append((self.faded[place] * kept + belief) / (seconds + backed))
        found.reverse()
        return found

    def state(self) -> dict[str, Any]:
        """Everything remembered, as plain JSON values."""
        kept: dict[str, Any] = {name: getattr(self, name) for name in _FIELDS}
        return {**kept, "faded": list(self.faded), "exposure": self.exposure.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        for name in _FIELDS:
            setattr(self, name, state[name])
        self.faded = list(state["faded"])
        self.exposure.restore(state["exposure"])

    def _fade(self, at: float) -> None:
        kept = exp((self.clock - at) / (16.0 * self.span))
        for place in (4, 3, 2, 1, 0):
            self.faded[place] *= kept
            kept *= kept
            kept *= kept
        self.clock = at
