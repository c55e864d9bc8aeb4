"""A forecast model that says what a case states, and leaves other pools to the real model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from ratelord_core.forecast import ForecastModelFactory
from ratelord_core.forecast.book import ForecastBook
from ratelord_core.forecast.page import Page
from ratelord_core.model.forecast import Forecast
from ratelord_core.model.pool import Pool
from ratelord_core.proving.reading_given import EVERY_POOL


class StatedBook(ForecastBook):
    """A book of forecasts, some pages of which are written beforehand."""

    def __init__(self, factory: ForecastModelFactory, stated: Mapping[str, Forecast]) -> None:
        super().__init__(factory)
        self._stated = stated

    def _open(self, pool: Pool) -> Page:
        said = self._stated.get(pool.key) or self._stated.get(EVERY_POOL)
        if said is None:
            return super()._open(pool)
        self.failed.pop(pool.key, None)
        return Page(_Statements(said), pool, self.failed)


class _Statements:
    model_id = "given"
    model_version = "1"

    def __init__(self, said: Forecast) -> None:
        self._said = said

    def build(self, limit: float, window_seconds: float | None) -> _Statement:
        return _Statement(self._said)


class _Statement:
    """Says the same whatever happens."""

    def __init__(self, said: Forecast) -> None:
        self._said = said

    def observe(self, t: float, units: float) -> None:
        """What happens changes nothing."""

    def refused(self, t: float) -> None:
        """Nor does what does not happen."""

    def window(
        self, t: float, limit: float, used: float, reset_at: float | None, kind: str
    ) -> None:
        """Nor does a window."""

    def widen(self, t: float, units: float) -> None:
        """Nor does doubt."""

    def forecast(
        self,
        now: float,
        remaining: float,
        reset_at: float | None,
        extra_units: float = 0.0,
        staleness: float = 0.0,
    ) -> Forecast:
        """What was stated, with the time to the reset as it is."""
        said = self._said
        if reset_at is None:
            return said
        ttr = max(0.0, reset_at - now)
        return replace(said, ttr=ttr, margin=said.tte_p99 - ttr)

    def state(self) -> dict[str, Any]:
        """Nothing is remembered."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Nothing was."""
