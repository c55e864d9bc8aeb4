"""Which changes of a forecast are news."""

from __future__ import annotations

import math

import pytest

from ratelord_core.forecast import Announced, is_material
from ratelord_core.model.forecast import Forecast, RiskLevel
from ratelord_core.model.instant import SECOND

LAST = Announced(at=0, level="warn", p_exhaustion=0.5, tte_p50=100.0)


def _said(p: float = 0.5, tte: float = 100.0) -> Forecast:
    return Forecast(tte_p50=tte, p_exhaustion=p, burn_mean=1.0)


@pytest.mark.parametrize(
    ("said", "level", "after", "news"),
    [
        (_said(), "warn", 60, False),
        (_said(p=0.549), "warn", 60, False),
        (_said(p=0.551), "warn", 60, True),
        (_said(p=0.449), "warn", 60, True),
        (_said(tte=81.0), "warn", 60, False),
        (_said(tte=79.0), "warn", 60, True),
        (_said(tte=121.0), "warn", 60, True),
        (_said(tte=math.inf), "warn", 60, True),
        (_said(), "critical", 60, True),
        (_said(), "critical", 0, True),
        (_said(p=0.7), "warn", 0.5, False),
    ],
)
def test_news_is_a_new_level_or_a_jump(
    said: Forecast, level: RiskLevel, after: float, news: bool
) -> None:
    assert is_material(LAST, said, level, int(after * SECOND)) is news


def test_small_times_do_not_chatter() -> None:
    last = Announced(at=0, level="warn", p_exhaustion=0.5, tte_p50=0.5)
    assert not is_material(last, _said(tte=1.4), "warn", 60 * SECOND)
    assert is_material(last, _said(tte=1.6), "warn", 60 * SECOND)


def test_two_times_beyond_the_reset_are_the_same() -> None:
    last = Announced(at=0, level="ok", p_exhaustion=0.0, tte_p50=math.inf)
    assert not is_material(last, _said(p=0.0, tte=math.inf), "ok", 60 * SECOND)


def test_a_pool_is_news_for_the_first_time_when_it_burns() -> None:
    assert not is_material(None, Forecast(), "ok", 0)
    assert is_material(None, Forecast(burn_mean=0.1), "ok", 0)
    assert is_material(None, Forecast(), "unknown", 0)
