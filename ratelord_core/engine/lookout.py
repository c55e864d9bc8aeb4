"""Keeps the world informed of risk: forecasts that changed, throttling advice, system status."""

from __future__ import annotations

from collections.abc import Collection

from ratelord_core.engine.answering import ahead_text
from ratelord_core.engine.scribe import Scribe
from ratelord_core.engine.state import State
from ratelord_core.events.payloads import SystemStatusChanged, ThrottleAdvised
from ratelord_core.forecast.failure import Failure
from ratelord_core.forecast.record import cost_computed, forecast_computed
from ratelord_core.ledger import Figures
from ratelord_core.model.forecast import Forecast, RiskLevel
from ratelord_core.model.instant import SECOND, Micros
from ratelord_core.model.pool import MONEY, PART

_RANK = {"unknown": 0, "ok": 0, "warn": 1, "critical": 2}
_STATUS = ("ok", "warning", "critical")
_FAILING = ("degraded", "open")
_RECHECK = SECOND
_MANY = 512


class Lookout:
    """Looks at every pool that changed and writes down what is news, without any intent."""

    def __init__(self, state: State, scribe: Scribe) -> None:
        self.state = state
        self.scribe = scribe
        self._seen: dict[str, tuple[int, Micros]] = {}
        self._levels: dict[str, RiskLevel] = {}
        self._risks: dict[str, float] = {}
        self._forgotten: Collection[str] = ()
        self._trial_due: Micros = 0
        self._many = _MANY

    def forget(self, pools: Collection[str]) -> None:
        """Look at these pools no longer: the configuration does not declare them any more."""
        self._forgotten = pools
        for key in pools:
            self._levels.pop(key, None)
            self._risks.pop(key, None)

    def look(self, now: Micros) -> None:
        """Let time pass and refresh the forecasts of the pools that changed (or were not looked
        at for a second)."""
        self.scribe.turn(now)
        self._tidy(now)
        if self.state.book.failed:
            self._try_again(now)
        for key in [key for key in self.state.ledger.accounts if key not in self._forgotten]:
            if PART in key:
                continue
            account = self.state.ledger.account(key, now)
            version, at = self._seen.get(key, (-1, 0))
            if version == account.version and (now - at < _RECHECK or not self._alive(key)):
                continue
            self._seen[key] = (account.version, now)
            self._refresh(key, account.figures(now), now)
        self.scribe.turn(now)
        self._system(now)

    def _tidy(self, now: Micros) -> None:
        """Names come and go: parts in which nothing is left are forgotten once they are many."""
        ledger = self.state.ledger
        if len(ledger.accounts) < self._many:
            return
        if ledger.sweep(now):
            self.state.shape += 1
        self._many = 2 * len(ledger.accounts) + _MANY

    def failures(self) -> list[Failure]:
        """The models that failed, of pools that anybody can draw from."""
        known, gone = self.state.ledger.accounts, self._forgotten
        failed = self.state.book.failed
        return [failed[key] for key in sorted(failed) if key in known and key not in gone]

    def _try_again(self, now: Micros) -> None:
        """Build one model that failed anew. One at a time: a model that never answers stops the
        daemon for as long as it is waited for, and does so for every pool."""
        due = [one for one in self.failures() if one.again <= now]
        if not due or now < self._trial_due:
            return
        key = min(due, key=lambda one: one.again).pool
        figures = self.state.ledger.account(key, now).figures(now)
        self.state.book.revive(key, now, figures.used, self.state.standing(key, figures, now))
        again = self.state.book.failed.get(key)
        self._trial_due = now if again is None else again.again
        self._seen.pop(key, None)

    def _alive(self, key: str) -> bool:
        """Whether a pool's risk may change although nothing was done to it."""
        return self._risks.get(key, 0.0) > 0.0 or bool(self.state.polling.interval_of(key))

    def _refresh(self, key: str, figures: Figures, now: Micros) -> None:
        forecast = self.state.outlook(key, figures, now)
        level = self.state.level(key, forecast, figures, now)
        wanted = figures.used or figures.held or figures.scheduled or forecast.burn_mean > 0.0
        known = key not in self.state.book.failed  # the rest of the system is none the worse
        wanted = wanted and known and not self.state.ledger.accounts[key].pool.soft
        self._risks[key] = forecast.p_exhaustion if wanted else 0.0
        self._levels[key] = level if wanted else "ok"
        before = self.state.announced.get(key, "ok")
        if not self.state.book.material_change(key, forecast, level, now):
            return
        self.scribe.write(now, forecast_computed(key, forecast, level))
        if known and self.state.ledger.accounts[key].pool.unit == MONEY:
            spent = figures.used + figures.held + figures.scheduled
            runway = cost_computed(key, forecast, spent, figures.available, figures.reset_at, now)
            self.scribe.write(now, runway)
        if _RANK[level] > _RANK[before]:
            self._advise(key, forecast, level, figures, now)

    def _advise(
        self, key: str, forecast: Forecast, level: RiskLevel, figures: Figures, now: Micros
    ) -> None:
        percent = round(100 * forecast.p_exhaustion)
        window, reset_at = self.state.ledger.accounts[key].pool.window, figures.reset_at
        ahead = ahead_text(window, None if reset_at is None else reset_at - now)
        left = f"{key} has {figures.available} left"
        why = f"{left}; it runs dry {ahead} with {percent} % probability"
        event = ThrottleAdvised(
            kind="pool", target=key, until=figures.reset_at, rationale=why, risk_level=level
        )
        self.scribe.write(now, event)

    def _system(self, now: Micros) -> None:
        """The system is as bad as its worst pool; levels have their hysteresis already."""
        state = self.state
        worst = max((_RANK[level] for level in self._levels.values()), default=0)
        status = _STATUS[worst]
        score = round(100 * max(self._risks.values(), default=0.0))
        watched = (state.providers.get(account) for account in state.polling.intervals)
        degraded = any(record.state in _FAILING for record in watched)
        degraded = degraded or bool(self.failures()) or any(state.pacing.failures())
        if status == state.system_status and degraded == state.degraded:
            state.risk_score = score
            return
        event = SystemStatusChanged(
            before=state.system_status, after=status, risk_score=score, degraded=degraded
        )
        self.scribe.write(now, event)
