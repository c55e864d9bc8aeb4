"""Are forecasts what they claim to be? Quoted all the time, settled at every reset."""

from __future__ import annotations

import msgspec

from ratelord_core.model.instant import SECOND, Micros
from ratelord_sim.daemon import Daemon, Listener

_A_WINDOW = 40
"""Forecasts quoted in a window."""
_KINDS = ("fixed", "calendar")
BOUNDS = ("p50", "p90", "p99")
"""Percentiles of the time to exhaustion."""


class Quote(msgspec.Struct, frozen=True, gc=False):
    """A forecast as it was quoted: bounds as instants, None = not before the reset."""

    p_exhaustion: float
    p50: Micros | None
    p90: Micros | None
    p99: Micros | None


class Score(msgspec.Struct):
    """What quotes were worth, all together."""

    quotes: int = 0
    brier_sum: float = 0.0
    windows: int = 0
    exhausted: int = 0
    tested: dict[str, int] = msgspec.field(default_factory=lambda: dict.fromkeys(BOUNDS, 0))
    held: dict[str, int] = msgspec.field(default_factory=lambda: dict.fromkeys(BOUNDS, 0))

    def brier(self) -> float | None:
        """Mean squared distance between the probability and what happened."""
        return self.brier_sum / self.quotes if self.quotes else None

    def coverage(self, bound: str) -> float | None:
        """How often the pool lasted at least that long, of bounds that fell before the reset."""
        return self.held[bound] / self.tested[bound] if self.tested[bound] else None


class _Window:
    def __init__(self) -> None:
        self.quotes: list[Quote] = []
        self.reset_at: Micros | None = None
        self.next_quote: Micros = 0
        self.empty_at: Micros | None = None


class Calibration(Listener):
    """Quotes every pool that has resets, and keeps score."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._windows: dict[str, _Window] = {}
        self.score = Score()

    def ticked(self) -> None:
        now = self._daemon.clock.now()
        for key, account in self._daemon.engine.state.ledger.accounts.items():
            if account.pool.window.kind in _KINDS:
                self._look(key, now)

    def _look(self, key: str, now: Micros) -> None:
        state = self._daemon.engine.state
        figures = state.ledger.account(key, now).figures(now)
        reset_at = figures.reset_at
        window = self._windows.setdefault(key, _Window())
        if reset_at is None or not figures.limit:
            return
        if window.reset_at is not None and reset_at > window.reset_at and now >= window.reset_at:
            self._settle(window)
            window = self._windows[key] = _Window()
        window.reset_at = reset_at
        if figures.available <= 0:
            window.empty_at = window.empty_at or now
            return
        if window.empty_at is not None or now < window.next_quote:
            return
        said = state.outlook(key, figures, now)
        window.next_quote = now + max(1, (reset_at - now) // _A_WINDOW)
        bounds = (said.tte_p50, said.tte_p90, said.tte_p99)
        ends = [None if now + b * SECOND >= reset_at else now + round(b * SECOND) for b in bounds]
        window.quotes.append(Quote(said.p_exhaustion, *ends))

    def _settle(self, window: _Window) -> None:
        score, empty_at = self.score, window.empty_at
        score.windows += 1
        score.exhausted += empty_at is not None
        for quote in window.quotes:
            score.quotes += 1
            score.brier_sum += (quote.p_exhaustion - (empty_at is not None)) ** 2
            for bound in BOUNDS:
                end = getattr(quote, bound)
                if end is not None:
                    score.tested[bound] += 1
                    score.held[bound] += empty_at is None or empty_at >= end
