"""The model ``peak``: what was asked for in the busiest quarter of a window, of the last eight.

Demand over s seconds is taken as normal with mean ``rate * s`` and variance
``noise * s + doubt * s**2``: ``rate`` is that of the busiest block, ``noise`` follows from the size
of the lumps in which units are asked for, ``doubt`` from drift alone, since a peak is cautious by
itself. Blocks are measured on the clock of an ``Exposure``, which stands still while nobody could
be let through.
"""

from __future__ import annotations

from math import exp, inf
from typing import Any, Final

from ratelord_core.forecast import Exposure, passage
from ratelord_core.model.forecast import Forecast

MODEL_ID: Final = "peak"
MODEL_VERSION: Final = "1"
HOUR: Final = 3600.0
"""The window to think in when none is known, in seconds."""
BLOCKS: Final = 4.0
"""Blocks in a window."""
REMEMBERED: Final = 8
DOUBT: Final = 0.05
"""Squared relative doubt about the rate."""
MOST_SURPRISE: Final = 8.0
SURPRISE_MEMORY: Final = 8.0
"""How long drift is remembered, in windows."""
_FIELDS: Final = ("scale", "clock", "began", "opened", "units", "lumps", "squares", "surprise")


class PeakModel:
    """One pool's demand. Times are seconds since the epoch and never go backwards."""

    def __init__(self, limit: float, window_seconds: float | None) -> None:
        self.scale = window_seconds or HOUR
        self.exposure = Exposure(limit, self.scale)
        self.blocks: list[float] = []
        """Units of the last whole blocks, the newest last."""
        self.clock: float | None = None
        self.began = self.opened = 0.0
        self.units = 0.0
        """Of the block that is under way."""
        self.lumps = self.squares = 0.0
        self.surprise = 0.0

    @property
    def span(self) -> float:
        """Seconds of a block."""
        return self.scale / BLOCKS

    def observe(self, t: float, units: float) -> None:
        """So many units were asked for at ``t``; negative: fewer than was told before."""
        if units <= 0.0:
            self._take_back(t, -units)
            return
        self._move_to(self.exposure.observe(t, units))
        self.units += units
        self.lumps += units
        self.squares += units * units

    def refused(self, t: float) -> None:
        """Somebody asked at ``t`` and was not let through."""
        self.exposure.refused(t)

    def window(
        self, t: float, limit: float, used: float, reset_at: float | None, kind: str
    ) -> None:
        """The pool's window as known at ``t``."""
        self.exposure.window(t, limit, used, kind)

    def widen(self, t: float, units: float) -> None:
        """Usage of that size was not foreseen: doubt the rate more."""
        if units > 0.0:
            expected = self._rate(self.clock or 0.0) * self.span
            self.surprise = min(MOST_SURPRISE, self.surprise + units / (units + expected))

    def forecast(
        self,
        now: float,
        remaining: float,
        reset_at: float | None,
        extra_units: float = 0.0,
        staleness: float = 0.0,
    ) -> Forecast:
        """How long ``remaining - extra_units`` lasts at the busiest pace of late."""
        kind = self.exposure.kind
        ttr = inf if reset_at is None else max(0.0, reset_at - now)
        if kind in {"unbounded", "concurrency"}:
            busy = kind == "concurrency" and remaining <= 0.0
            return _said((inf, inf, inf), float(busy), (0.0, 0.0), ttr, staleness)
        rate = self._rate(self.exposure.time(now))
        wider = 1.0 + 10.0 * staleness / self.scale
        noise = wider * (rate * self.squares / self.lumps if self.lumps else 0.0)
        doubt = wider * (DOUBT + self.surprise) * rate * rate
        horizon = self.scale if reset_at is None else ttr
        burn = (rate, noise / horizon + doubt if horizon > 0.0 else doubt)
        left = remaining - extra_units
        if left <= 0.0:
            return _said((0.0, 0.0, 0.0), 1.0, burn, ttr, staleness)
        if kind in {"bucket", "sliding"}:  # they give back while they are drawn from
            horizon = self.scale
            unused = 0.0 if kind == "bucket" else remaining
            rate -= (self.exposure.limit - unused) / self.scale
        chance, bounds = passage(left, rate, noise, doubt, horizon)
        return _said(bounds, chance, burn, ttr, staleness)

    def state(self) -> dict[str, Any]:
        """Everything remembered, as plain JSON values: a restarted daemon goes on from it."""
        kept = {name: getattr(self, name) for name in _FIELDS}
        return {**kept, "blocks": list(self.blocks), "exposure": self.exposure.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state that this version gave."""
        for name in _FIELDS:
            setattr(self, name, state[name])
        self.blocks = list(state["blocks"])
        self.exposure.restore(state["exposure"])

    def _take_back(self, t: float, units: float) -> None:
        """From the block under way, then from those before it."""
        if units <= 0.0 or self.clock is None:
            return
        self._move_to(self.exposure.take_back(t, units))
        taken = min(self.units, units)
        self.units -= taken
        for number in reversed(range(len(self.blocks))):
            units -= taken
            taken = min(self.blocks[number], units)
            self.blocks[number] -= taken

    def _move_to(self, at: float) -> None:
        """Close the blocks that ended by then."""
        if self.clock is None:
            self.clock = self.began = self.opened = at
        passed = int((at - self.opened) // self.span)
        if passed > 0:
            idle = [0.0] * min(passed - 1, REMEMBERED)
            self.blocks = [*self.blocks, self.units, *idle][-REMEMBERED:]
            self.units = 0.0
            self.opened += passed * self.span
        self.surprise *= exp(-max(0.0, at - self.clock) / (SURPRISE_MEMORY * self.scale))
        self.clock = max(self.clock, at)

    def _rate(self, at: float) -> float:
        """Units per second in the busiest block that is remembered at ``at``; never below the
        average of all time, so that silence calms but does not promise."""
        if self.clock is None:
            return 0.0
        if not self.blocks:  # what was seen so far, spread over the time that it took
            return self.units / max(at - self.began, 0.1 * self.span)
        passed = int(max(0.0, at - self.opened) // self.span)
        known = [*self.blocks, self.units][passed:] if passed < REMEMBERED else []
        average = self.lumps / max(at - self.began, self.span)
        return max(max(known, default=0.0) / self.span, average)


def _said(
    bounds: tuple[float, float, float],
    chance: float,
    burn: tuple[float, float],
    ttr: float,
    staleness: float,
) -> Forecast:
    p50, p90, p99 = bounds
    margin = p99 - ttr if p99 < inf and ttr < inf else inf
    return Forecast(p50, p90, p99, chance, *burn, ttr, margin, staleness, MODEL_ID, MODEL_VERSION)
