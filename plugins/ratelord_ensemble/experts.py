"""The experts: what each memory, and the hour of the day, expect of the time to come.

Seven of them: five exponential memories of the burn rate (a sixteenth of a window to sixteen), the
day's usual course scaled to the last quarter of a window, and that course as it is. Each has a
doubt of its own: the squared relative error of what it expected of past quarter windows, beyond the
noise that lumps make.
"""

from __future__ import annotations

from math import exp
from typing import Any, Final

from ratelord_core.forecast import MEMORIES, Demand
from ratelord_ensemble.season import DAY, SLOT, Season

EXPERTS: Final = len(MEMORIES) + 2

_BLOCKS: Final = 4.0
"""The experts are checked on so many blocks a window."""
_ERROR_DECAY: Final = 0.98
_WORST_ERROR: Final = 25.0
"""A squared relative error beyond this teaches nothing more …"""
_SURPRISING: Final = 9.0
_SUDDEN: Final = 2.0
"""… nor one beyond so many times the variance foreseen, unless it is below this: one jump of the
demand is no reason to doubt for many windows what was right before and is right soon after."""
LEAST_DOUBT: Final = 1e-3
_LEVEL_SPAN: Final = 0.25
"""The day's course is scaled to the last quarter of a window …"""
_LEVEL_LUMPS: Final = 4.0
"""… as far as that is worth more than four lumps."""
_QUIET: Final = 0.02
"""The day's course never expects less than this part of the longest memory."""
_FIELDS: Final = (
    "block_end", "block_units", "block_lump", "block_means", "errors", "checks",
    "level_units", "level_meant", "last_seen",
)  # fmt: skip


class Experts:
    """The experts on one pool, whose window lasts ``span`` seconds."""

    def __init__(self, limit: float, span: float) -> None:
        self.demand = Demand(limit, span)
        self.season = Season() if span <= DAY else None
        self.span = span
        self.block_end = self.block_units = self.block_lump = 0.0
        self.block_means: list[float] = []
        self.errors = [1.0] * EXPERTS
        self.checks = [2.0] * EXPERTS
        self.level_units = self.level_meant = 0.0
        self.last_seen = 0.0
        self._level_span = max(_LEVEL_SPAN * span, 0.5 * SLOT)

    def observe(self, t: float, units: float) -> None:
        """So many units (more than 0) were asked for at ``t``."""
        demand = self.demand
        at = demand.exposure.observe(t, units)
        seconds = 0.0
        if demand.start is None:
            self.block_end = at + self.span / _BLOCKS
        else:
            seconds = at - demand.clock
            if at >= self.block_end:
                self._check(t, at)
        demand.observed(at, units)
        self.block_units += units
        if self.season is not None:
            self._follow(self.season, t, seconds, units)
        self.last_seen = t

    def doubts(self) -> list[float]:
        """Each expert's squared relative doubt."""
        return [
            max(LEAST_DOUBT, error / check)
            for error, check in zip(self.errors, self.checks, strict=True)
        ]

    def means(self, t: float, at: float, horizon: float) -> list[float]:
        """The units that each expert expects within ``horizon`` seconds after ``t`` (``at`` on the
        clock of the demand). Without a day's history the last two are missing."""
        demand = self.demand
        rates = demand.rates(at)
        found = [rate * horizon for rate in rates]
        season = self.season
        if season is not None and season.ready:
            usual = season.expected(t, t + horizon)
            silence = max(0.0, at - demand.clock)
            kept = exp(-silence / self._level_span)
            seen_to = self.last_seen + silence
            meant = self.level_meant * kept + season.expected(self.last_seen, seen_to)
            lump = demand.lump
            belief = _LEVEL_LUMPS * lump
            level = (self.level_units * kept + belief) / (meant + belief)
            least = _QUIET * rates[-1] * horizon + 1e-9 * lump
            found += (max(usual * level, least), max(usual, least))
        return found

    def take_back(self, t: float, units: float) -> None:
        """So many units of what was told before turned out not to be used."""
        self.demand.take_back(t, units)
        self.block_units = max(0.0, self.block_units - units)
        self.level_units = max(0.0, self.level_units - units)

    def state(self) -> dict[str, Any]:
        """Everything remembered, as plain JSON values."""
        kept = {name: getattr(self, name) for name in _FIELDS}
        return {
            **{name: list(v) if isinstance(v, list) else v for name, v in kept.items()},
            "demand": self.demand.state(),
            "season": None if self.season is None else self.season.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        for name in _FIELDS:
            value = state[name]
            setattr(self, name, list(value) if isinstance(value, list) else value)
        self.demand.restore(state["demand"])
        if self.season is not None:
            self.season.restore(state["season"])

    def _follow(self, season: Season, t: float, seconds: float, units: float) -> None:
        gap = t - self.last_seen
        if season.ready and gap > 0.0:
            kept = exp(-gap / self._level_span)
            self.level_units *= kept
            seen = min(1.0, seconds / gap)
            self.level_meant = self.level_meant * kept + seen * season.expected(self.last_seen, t)
        if season.ready:
            self.level_units += units
        season.observe(self.last_seen, t, max(0.0, seconds), units)

    def _check(self, t: float, at: float) -> None:
        """Compare the block that ended with what was expected of it; expect the next one."""
        length = self.span / _BLOCKS
        errors, checks = self.errors, self.checks
        for place, mean in enumerate(self.block_means):
            noise = self.block_lump / mean
            miss = (self.block_units / mean - 1.0) ** 2 - noise
            foreseen = noise + errors[place] / checks[place]
            most = min(_WORST_ERROR, max(_SUDDEN, _SURPRISING * foreseen))
            errors[place] = errors[place] * _ERROR_DECAY + min(miss, most)
            checks[place] = checks[place] * _ERROR_DECAY + 1.0
        self.block_end += ((at - self.block_end) // length + 1.0) * length
        self.block_units = 0.0
        self.block_lump = self.demand.lump
        self.block_means = self.means(t, at, length)
