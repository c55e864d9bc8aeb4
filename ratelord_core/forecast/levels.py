"""Risk levels: a probability in three words, which do not flap at a threshold."""

from __future__ import annotations

import msgspec

from ratelord_core.model.config import Settings
from ratelord_core.model.forecast import RiskLevel


class RiskLevels(msgspec.Struct, frozen=True):
    """``ok`` below ``warn``, ``critical`` from ``critical`` on.

    A level is entered at its threshold and left ``hysteresis`` below it. ``slots`` come back as
    work ends: that all are taken is worth a warning, but nothing runs dry.
    """

    warn: float = 0.2
    critical: float = 0.8
    hysteresis: float = 0.05

    @classmethod
    def of(cls, settings: Settings) -> RiskLevels:
        """The thresholds that the settings name."""
        return cls(settings.warn_threshold, settings.critical_threshold, settings.risk_hysteresis)

    def level(
        self, p_exhaustion: float, before: RiskLevel = "ok", *, slots: bool = False
    ) -> RiskLevel:
        """The level of a probability, seen from the level before."""
        warn, critical = self.warn, self.critical
        if before == "critical":
            critical -= self.hysteresis
        if before in {"critical", "warn"}:
            warn -= self.hysteresis
        if p_exhaustion >= critical and not slots:
            return "critical"
        return "warn" if p_exhaustion >= warn else "ok"
