"""Risk levels and their hysteresis."""

from __future__ import annotations

import pytest

from ratelord_core.forecast import RiskLevels
from ratelord_core.model.config import Settings
from ratelord_core.model.forecast import RiskLevel


@pytest.mark.parametrize(
    ("p", "before", "level"),
    [
        (0.0, "ok", "ok"),
        (0.199, "ok", "ok"),
        (0.2, "ok", "warn"),
        (0.799, "warn", "warn"),
        (0.8, "warn", "critical"),
        (1.0, "ok", "critical"),
        (0.76, "critical", "critical"),
        (0.749, "critical", "warn"),
        (0.16, "warn", "warn"),
        (0.149, "warn", "ok"),
        (0.16, "critical", "warn"),
        (0.0, "critical", "ok"),
        (0.5, "unknown", "warn"),
        (0.16, "unknown", "ok"),
    ],
)
def test_a_level_is_entered_at_its_threshold_and_left_below_it(
    p: float, before: RiskLevel, level: RiskLevel
) -> None:
    assert RiskLevels().level(p, before) == level


def test_thresholds_are_settings() -> None:
    levels = RiskLevels.of(
        Settings(warn_threshold=0.1, critical_threshold=0.5, risk_hysteresis=0.2)
    )
    assert levels.level(0.1) == "warn"
    assert levels.level(0.5) == "critical"
    assert levels.level(0.31, "critical") == "critical"
