"""What follows from a reset that lies farther away: inherit the class beside ``ForecastContract``,
if the model never takes it for less risk, whatever it has learnt.
"""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelord_core.forecast import ForecastModelFactory
from ratelord_core.testing.forecast_play import LIMIT, START, WINDOW, opened, play
from ratelord_core.testing.forecast_steps import GAPS, LEFT, PROPERTY, STEPS, UNITS


class ForecastHorizons:
    """With everything else equal, a longer way to the reset is never safer."""

    @pytest.fixture
    def factory(self) -> ForecastModelFactory:
        """The factory under test."""
        raise RuntimeError("override the fixture `factory` to give the contract a model to test")

    @PROPERTY
    @given(
        steps=STEPS,
        ahead=GAPS,
        left=LEFT,
        extra=UNITS,
        near=st.floats(1e-3, 3.0 * WINDOW),
        farther=st.floats(1.0, 100.0),
    )
    def test_a_reset_that_lies_farther_away_never_lowers_the_risk(
        self,
        factory: ForecastModelFactory,
        steps: list[tuple[str, float, float]],
        ahead: float,
        left: float,
        extra: float,
        near: float,
        farther: float,
    ) -> None:
        model = opened(factory)
        now = play(model, steps) + ahead
        sooner = model.forecast(now, left, now + near, extra)
        later = model.forecast(now, left, now + near * farther, extra)
        assert later.p_exhaustion >= sooner.p_exhaustion - 1e-9

    @pytest.mark.parametrize("jump", [1.0, 6.0])
    def test_nor_does_it_after_much_was_learnt(
        self, factory: ForecastModelFactory, jump: float
    ) -> None:
        model, now = opened(factory), START
        for window in range(40):
            model.window(now, LIMIT, 0.0, now + WINDOW, "fixed")
            pace = 1.2 if window % 3 else jump
            for second in range(0, int(WINDOW), 7):
                model.observe(now + second, pace * (1.0 + 11.0 * (second % 5 == 0)))
            now += WINDOW
        for left in (3.0, 40.0, 300.0, 999.0, 5000.0):
            horizons = [WINDOW * 1.3**place for place in range(-16, 10)]
            risks = [model.forecast(now, left, now + each).p_exhaustion for each in horizons]
            assert all(b >= a - 1e-9 for a, b in pairwise(risks))
