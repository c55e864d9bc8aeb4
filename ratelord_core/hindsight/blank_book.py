"""A book of forecasts in which nothing is written: the past's own forecasts are not asked for."""

from __future__ import annotations

from ratelord_core.forecast.book import ForecastBook
from ratelord_core.model.forecast import RiskLevel
from ratelord_core.model.instant import Micros
from ratelord_core.model.party import NOBODY, Party
from ratelord_core.model.pool import Pool


class BlankBook(ForecastBook):
    """Takes everything, keeps nothing, and must not be asked."""

    def declare(self, pool: Pool, now: Micros, used: int, reset_at: Micros | None) -> None:
        """Nothing is kept."""

    def observe(self, pool: str, at: Micros, units: int, party: Party = NOBODY) -> bool:
        """Nothing is kept."""
        return False

    def refused(self, pool: str, at: Micros, party: Party = NOBODY, *, room: bool = True) -> None:
        """Nothing is kept."""

    def window(self, pool: str, at: Micros, used: int, reset_at: Micros | None) -> None:
        """Nothing is kept."""

    def widen(self, pool: str, at: Micros, units: int) -> None:
        """Nothing is kept."""

    def announce(
        self, pool: str, p_exhaustion: float, tte_p50: float, level: RiskLevel, now: Micros
    ) -> None:
        """Nothing is kept."""
