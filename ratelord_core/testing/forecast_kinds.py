"""What a forecast model does that has a right answer in every kind of window, slots included.

Stricter than ``ForecastContract``: inherit it beside that one.
"""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratelord_core.forecast import ForecastModel, ForecastModelFactory
from ratelord_core.model.forecast import Forecast
from ratelord_core.testing.forecast_play import (
    LIMIT,
    RESET,
    START,
    WINDOW,
    assert_sane,
    burn,
    opened,
    play,
)

KINDS = ("fixed", "calendar", "sliding", "bucket", "concurrency")
_NAMED = pytest.mark.parametrize("kind", KINDS)
_PROPERTY = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.differing_executors,
    ],
)
_STEP = st.tuples(
    st.sampled_from(("observe", "observe", "stand", "widen", "refused")),
    st.sampled_from((0.0, 0.0, 0.001, 0.5, 3.0, 60.0, 900.0, 1e6, -30.0)),
    st.sampled_from((0.0, 1.0, 7.0, 250.0, 5000.0, 2.0**53, -1.0, -5000.0)),
)


def asked(
    model: ForecastModel, kind: str, now: float, left: float, extra: float = 0.0, stale: float = 0.0
) -> Forecast:
    """What the model says, half a window before the end, if the window has one; of slots, where
    work takes half a window."""
    ends = None if kind in {"sliding", "bucket"} else now + WINDOW / 2
    return model.forecast(now, left, ends, extra, stale)


def told(model: ForecastModel, kind: str, steps: list[tuple[str, float, float]]) -> float:
    """Tell the model these steps in such a window; the instant of the last one."""

    def stand(model: ForecastModel, now: float, units: float) -> None:
        ends = None if kind in {"sliding", "bucket"} else now + WINDOW / 2
        model.window(now, LIMIT, min(LIMIT, abs(units)), ends, kind)

    return play(model, steps, stand)


class ForecastKinds:
    """Every kind of window has a right answer."""

    @pytest.fixture
    def factory(self) -> ForecastModelFactory:
        """The factory under test."""
        raise RuntimeError("override the fixture `factory` to give the contract a model to test")

    @_PROPERTY
    @given(kind=st.sampled_from(KINDS), steps=st.lists(_STEP, max_size=30), few=st.data())
    def test_any_kind_of_window_is_answered_sanely_whatever_happened(
        self,
        factory: ForecastModelFactory,
        kind: str,
        steps: list[tuple[str, float, float]],
        few: st.DataObject,
    ) -> None:
        model, twin = opened(factory, kind), factory.build(LIMIT, WINDOW)
        now = told(model, kind, steps) + 5.0
        left = few.draw(st.sampled_from((0.0, 1.0, 40.0, 999.0)))
        less, more = (asked(model, kind, now, units) for units in (left, left + 100.0))
        stale = asked(model, kind, now, left, 0.0, 300.0)
        for said in (less, more, stale, asked(model, kind, now, left, 1e6)):
            assert_sane(said)
        assert more.p_exhaustion <= less.p_exhaustion + 1e-9
        assert more.tte_p99 >= less.tte_p99 * (1.0 - 1e-9)
        assert stale.tte_p99 <= less.tte_p99 * (1.0 + 1e-9)
        twin.restore(json.loads(json.dumps(model.state(), allow_nan=False)))
        assert asked(twin, kind, now, left) == less

    @_NAMED
    def test_nobody_seen_is_no_risk_in_any_window(
        self, factory: ForecastModelFactory, kind: str
    ) -> None:
        said = asked(opened(factory, kind), kind, START + 1.0, LIMIT)
        assert said.p_exhaustion == 0.0
        assert math.isinf(said.tte_p99)

    @_NAMED
    def test_little_history_is_less_sure_than_much(
        self, factory: ForecastModelFactory, kind: str
    ) -> None:
        new, old = opened(factory, kind), opened(factory, kind)
        now = burn(old, 1.0, 4 * WINDOW)
        burn(new, 1.0, 20, now - 20.0)
        young, grown = (asked(model, kind, now, 800.0) for model in (new, old))
        assert young.burn_variance / young.burn_mean**2 > grown.burn_variance / grown.burn_mean**2

    @_NAMED
    def test_silence_never_brings_the_end_nearer(
        self, factory: ForecastModelFactory, kind: str
    ) -> None:
        model = opened(factory, kind)
        now = burn(model, 3.0, 200)
        first = asked(model, kind, now, 400.0)
        for silence in (10.0, 100.0, 400.0, 3000.0):
            later = asked(model, kind, now + silence, 400.0)
            assert later.tte_p99 >= 0.5 * first.tte_p99
            assert 0.0 < later.burn_mean <= first.burn_mean * (1.0 + 1e-9)

    @_NAMED
    def test_missing_data_only_widen(self, factory: ForecastModelFactory, kind: str) -> None:
        model = opened(factory, kind)
        now = burn(model, 2.0, 200)
        answers = [asked(model, kind, now, 500.0, 0.0, gap) for gap in (0.0, 60.0, 600.0)]
        variances = [said.burn_variance for said in answers]
        bounds = [said.tte_p99 for said in answers]
        assert variances == sorted(variances)
        assert bounds == sorted(bounds, reverse=True)

    @_NAMED
    def test_a_new_regime_is_believed_within_a_window(
        self, factory: ForecastModelFactory, kind: str
    ) -> None:
        model = opened(factory, kind)
        now = burn(model, 0.2, 3 * WINDOW)
        calm = asked(model, kind, now, 600.0)
        now = burn(model, 4.0, WINDOW, now)
        busy = asked(model, kind, now, 600.0)
        assert busy.burn_mean > 1.0
        assert busy.burn_mean > 3.0 * calm.burn_mean
        assert busy.p_exhaustion > calm.p_exhaustion

    def test_slots_are_the_riskier_the_fewer_are_free(self, factory: ForecastModelFactory) -> None:
        model = opened(factory, "concurrency")
        now = burn(model, 1.0, 2 * WINDOW)
        free = (900.0, 750.0, 700.0, 650.0, 100.0, 5.0, 0.0)
        risks = [asked(model, "concurrency", now, left).p_exhaustion for left in free]
        assert risks == sorted(risks)
        assert risks[0] < 0.2
        assert 0.0 < risks[3] < 1.0
        assert risks[-1] == 1.0

    def test_a_crowded_window_takes_no_more_memory(self, factory: ForecastModelFactory) -> None:
        model, sizes = factory.build(1e9, WINDOW), []
        model.window(START, 1e9, 0.0, RESET, "fixed")
        for each in range(4000):
            model.observe(START + WINDOW * each / 4001, 1.0 + each % 3)
            sizes.append(len(json.dumps(model.state())) if each in (999, 3999) else 0)
        assert sizes[3999] < 1.5 * sizes[999] + 1000
