"""Keeps the world informed of risk: forecasts that changed, throttling advice, system status."""

from __future__ import annotations

from ratelord_core.engine.answering import span_text
from ratelord_core.engine.scribe import Scribe
from ratelord_core.engine.state import State
from ratelord_core.events.payloads import SystemStatusChanged, ThrottleAdvised
from ratelord_core.forecast.record import forecast_computed
from ratelord_core.ledger import Figures
from ratelord_core.model.forecast import Forecast, RiskLevel
from ratelord_core.model.instant import SECOND, Micros

_RANK = {"unknown": 0, "ok": 0, "warn": 1, "critical": 2}
_STATUS = ("ok", "warning", "critical")
_RECHECK = SECOND


class Lookout:
    """Looks at every pool that changed and writes down what is news, without any intent."""

    def __init__(self, state: State, scribe: Scribe) -> None:
        self.state = state
        self.scribe = scribe
        self._seen: dict[str, tuple[int, Micros]] = {}
        self._levels: dict[str, RiskLevel] = {}
        self._risks: dict[str, float] = {}

    def look(self, now: Micros) -> None:
        """Let time pass and refresh the forecasts of the pools that changed (or were not looked
        at for a second)."""
        self.scribe.turn(now)
        for key in list(self.state.ledger.accounts):
            account = self.state.ledger.account(key, now)
            version, at = self._seen.get(key, (-1, 0))
            if version == account.version and (now - at < _RECHECK or not self._alive(key)):
                continue
            self._seen[key] = (account.version, now)
            self._refresh(key, account.figures(now), now)
        self.scribe.turn(now)
        self._system(now)

    def _alive(self, key: str) -> bool:
        """Whether a pool's risk may change although nothing was done to it."""
        return self._risks.get(key, 0.0) > 0.0 or bool(self.state.interval_of(key))

    def _refresh(self, key: str, figures: Figures, now: Micros) -> None:
        forecast = self.state.outlook(key, figures, now)
        level = self.state.level(key, forecast, figures, now)
        self._risks[key] = forecast.p_exhaustion
        if not self.state.book.material_change(key, forecast, level, now):
            return
        self.scribe.write(now, forecast_computed(key, forecast, level))
        before = self._levels.get(key, "ok")
        self._levels[key] = level
        if _RANK[level] > _RANK[before]:
            self._advise(key, forecast, level, figures, now)

    def _advise(
        self, key: str, forecast: Forecast, level: RiskLevel, figures: Figures, now: Micros
    ) -> None:
        percent = round(100 * forecast.p_exhaustion)
        until = (
            "its reset"
            if figures.reset_at is None
            else f"its reset in {span_text(figures.reset_at - now)}"
        )
        why = f"{key} has {figures.available} left; it runs dry before {until} with {percent} %"
        event = ThrottleAdvised(
            kind="pool", target=key, until=figures.reset_at, rationale=why, risk_level=level
        )
        self.scribe.write(now, event)

    def _system(self, now: Micros) -> None:
        """The system is as bad as its worst pool; levels have their hysteresis already."""
        worst = max((_RANK[level] for level in self._levels.values()), default=0)
        status = _STATUS[worst]
        score = round(100 * max(self._risks.values(), default=0.0))
        degraded = any(
            record.state != "healthy"
            for record in self.state.providers
            if record.state != "initializing"
        )
        state = self.state
        if status == state.system_status and degraded == state.degraded:
            state.risk_score = score
            return
        event = SystemStatusChanged(
            before=state.system_status, after=status, risk_score=score, degraded=degraded
        )
        self.scribe.write(now, event)
