"""What every forecast model must do: inherit the class, give it a factory.

class TestMyModel(ForecastContract):
    @pytest.fixture
    def factory(self): return MyFactory()
"""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given

from ratelord_core.forecast import ForecastModelFactory
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
from ratelord_core.testing.forecast_steps import GAPS, LEFT, PROPERTY, STEPS, UNITS


class ForecastContract:
    """Inherit it, and override the fixture."""

    @pytest.fixture
    def factory(self) -> ForecastModelFactory:
        """The factory under test."""
        raise RuntimeError("override the fixture `factory` to give the contract a model to test")

    def test_a_forecast_names_its_model(self, factory: ForecastModelFactory) -> None:
        said = opened(factory).forecast(START, LIMIT, RESET)
        assert (said.model_id, said.model_version) == (factory.model_id, factory.model_version)
        assert factory.model_id
        assert factory.model_version

    def test_nothing_seen_is_no_risk_and_no_end(self, factory: ForecastModelFactory) -> None:
        said = opened(factory).forecast(START + 1, LIMIT, RESET)
        assert said.p_exhaustion == 0.0
        assert math.isinf(said.tte_p50)
        assert math.isinf(said.tte_p99)
        assert said.ttr == WINDOW - 1

    @PROPERTY
    @given(steps=STEPS, remaining=UNITS, extra=UNITS, ahead=GAPS, stale=GAPS)
    def test_bounds_are_ordered_whatever_happened(
        self,
        factory: ForecastModelFactory,
        steps: list[tuple[str, float, float]],
        remaining: float,
        extra: float,
        ahead: float,
        stale: float,
    ) -> None:
        model = opened(factory)
        now = play(model, steps) + ahead
        for reset_at in (now + 60.0, now, now - 1.0, None):
            said = model.forecast(now, remaining, reset_at, extra, stale)
            assert_sane(said)
            more = model.forecast(now, remaining, reset_at, extra + 100.0, stale)
            assert more.p_exhaustion >= said.p_exhaustion - 1e-9
            assert more.tte_p99 <= said.tte_p99

    @PROPERTY
    @given(steps=STEPS, ahead=GAPS, few=LEFT, more=LEFT)
    def test_more_remaining_never_raises_the_risk(
        self,
        factory: ForecastModelFactory,
        steps: list[tuple[str, float, float]],
        ahead: float,
        few: float,
        more: float,
    ) -> None:
        model = opened(factory)
        now = play(model, steps) + ahead
        for reset_at in (now + 60.0, None):
            less = model.forecast(now, few, reset_at)
            rest = model.forecast(now, few + more, reset_at)
            assert rest.p_exhaustion <= less.p_exhaustion + 1e-9
            assert rest.tte_p99 >= less.tte_p99 * (1.0 - 1e-9)
            assert rest.tte_p50 >= less.tte_p50 * (1.0 - 1e-9)

    def test_a_refusal_is_not_read_as_peace(self, factory: ForecastModelFactory) -> None:
        held, quiet = opened(factory), opened(factory)
        now = burn(held, 5.0, 60)
        burn(quiet, 5.0, 60)
        held.refused(now)
        for model in (held, quiet):
            model.observe(now + 300.0, 1.0)
        told = [model.forecast(now + 300.0, 500.0, RESET) for model in (held, quiet)]
        assert told[0].burn_mean > told[1].burn_mean
        assert told[0].p_exhaustion > told[1].p_exhaustion

    def test_silence_never_brings_the_end_nearer_than_the_worst_seen(
        self, factory: ForecastModelFactory
    ) -> None:
        """However long the silence, nobody is told that units last less long than at the highest
        pace that was seen."""
        model = opened(factory)
        now = burn(model, 5.0, 100)
        for silence in (0.0, 1.0, 10.0, 100.0, 400.0):
            said = model.forecast(now + silence, 500.0, None)
            assert said.tte_p99 >= 0.5 * min(500.0 / 5.0, model.forecast(now, 500.0, None).tte_p99)

    @PROPERTY
    @given(steps=STEPS, later=STEPS)
    def test_a_restored_model_goes_on_as_if_nothing_had_happened(
        self,
        factory: ForecastModelFactory,
        steps: list[tuple[str, float, float]],
        later: list[tuple[str, float, float]],
    ) -> None:
        model, twin = opened(factory), factory.build(LIMIT, WINDOW)
        now = play(model, steps)
        twin.restore(json.loads(json.dumps(model.state(), allow_nan=False)))
        assert twin.state() == model.state()
        for what, gap, units in later:
            now += gap
            for one in (model, twin):
                if what == "widen":
                    one.widen(now, units)
                elif what == "refused":
                    one.refused(now)
                else:
                    one.observe(now, units)
            assert model.forecast(now, 500.0, RESET) == twin.forecast(now, 500.0, RESET)
        assert twin.state() == model.state()

    def test_asking_changes_nothing(self, factory: ForecastModelFactory) -> None:
        model = opened(factory)
        now = burn(model, 3.0, 50)
        before = model.state()
        first = model.forecast(now + 5, 700.0, RESET)
        model.forecast(now + 300, 700.0, RESET, 10.0, 60.0)
        assert model.state() == before
        assert model.forecast(now + 5, 700.0, RESET) == first

    def test_a_steady_burn_lasts_as_long_as_the_division_says(
        self, factory: ForecastModelFactory
    ) -> None:
        model = opened(factory)
        now = START
        for window in range(8):
            model.window(now, LIMIT, 0.0, now + WINDOW, "fixed")
            now = burn(model, 1.0, WINDOW if window < 7 else WINDOW / 2, now)
        said = model.forecast(now, 100.0, now + WINDOW / 2)
        assert said.tte_p50 == pytest.approx(100.0, rel=0.15)
        assert said.burn_mean == pytest.approx(1.0, rel=0.15)
        assert said.p_exhaustion > 0.9
        assert model.forecast(now, 900.0, now + WINDOW / 2).p_exhaustion < 0.1

    def test_the_time_left_falls_as_units_are_burnt(self, factory: ForecastModelFactory) -> None:
        model = opened(factory)
        left: list[float] = []
        now = burn(model, 5.0, 60)
        for tenth in range(1, 10):
            left.append(model.forecast(now, 700.0 - 50.0 * tenth, RESET).tte_p50)
            now = burn(model, 5.0, 10, now)
        assert left == sorted(left, reverse=True)
        assert left[0] > left[-1]

    def test_a_time_beyond_the_reset_is_infinite(self, factory: ForecastModelFactory) -> None:
        model = opened(factory)
        now = burn(model, 5.0, 60)
        assert math.isfinite(model.forecast(now, 700.0, now + 500.0).tte_p50)
        soon = model.forecast(now, 700.0, now + 10.0)
        assert math.isinf(soon.tte_p50)
        assert soon.p_exhaustion < 0.2

    def test_after_a_reset_the_end_is_beyond_the_next_one_again(
        self, factory: ForecastModelFactory
    ) -> None:
        model = opened(factory)
        now = burn(model, 1.2, WINDOW - 10)
        assert math.isfinite(model.forecast(now, 5.0, RESET).tte_p50)
        model.window(RESET, LIMIT * 10, 0.0, RESET + WINDOW, "fixed")
        assert math.isinf(model.forecast(RESET, LIMIT * 10, RESET + WINDOW).tte_p50)

    def test_an_empty_pool_is_exhausted_now(self, factory: ForecastModelFactory) -> None:
        model = opened(factory)
        now = burn(model, 5.0, 60)
        for remaining, extra in ((0.0, 0.0), (10.0, 10.0), (10.0, 50.0)):
            said = model.forecast(now, remaining, RESET, extra)
            assert (said.tte_p50, said.tte_p99, said.p_exhaustion) == (0.0, 0.0, 1.0)

    def test_silence_lowers_the_burn_rate_but_never_to_nothing(
        self, factory: ForecastModelFactory
    ) -> None:
        model = opened(factory)
        now = burn(model, 5.0, 100)
        rates = [
            model.forecast(now + silence, 500.0, None).burn_mean
            for silence in (0.0, 60.0, 600.0, 6000.0)
        ]
        assert rates == sorted(rates, reverse=True)
        assert 0.0 < rates[-1] < rates[0] / 2

    def test_stale_data_widen_the_answer(self, factory: ForecastModelFactory) -> None:
        model = opened(factory)
        now = burn(model, 5.0, 100)
        fresh = model.forecast(now, 400.0, RESET)
        stale = model.forecast(now, 400.0, RESET, staleness=120.0)
        assert stale.tte_p99 < fresh.tte_p99
        assert stale.burn_variance > fresh.burn_variance

    def test_drift_tightens_p99_against_p50_each_time_it_is_seen(
        self, factory: ForecastModelFactory
    ) -> None:
        model = opened(factory)
        now = burn(model, 2.0, 100)
        ratios = []
        for _ in range(5):
            said = model.forecast(now, 400.0, RESET)
            ratios.append(said.tte_p99 / said.tte_p50)
            model.widen(now, 80.0)
            now += 5.0
        assert ratios == sorted(ratios, reverse=True)
        assert ratios[-1] < 0.8 * ratios[0]

    def test_many_readings_of_one_instant_count_together(
        self, factory: ForecastModelFactory
    ) -> None:
        one, many = opened(factory), opened(factory)
        for minute in range(6):
            at = START + 60.0 * minute
            one.observe(at, 30.0)
            for _ in range(30):
                many.observe(at, 1.0)
        now = START + 301.0
        single, several = (model.forecast(now, 500.0, None).burn_mean for model in (one, many))
        assert several == pytest.approx(single, rel=0.6)

    def test_what_is_taken_back_was_not_burnt(self, factory: ForecastModelFactory) -> None:
        kept, cancelled = opened(factory), opened(factory)
        now = burn(kept, 10.0, 60)
        burn(cancelled, 10.0, 60)
        for _ in range(40):
            cancelled.observe(now, -10.0)
        told = [model.forecast(now, 300.0, RESET) for model in (kept, cancelled)]
        assert told[1].burn_mean < 0.6 * told[0].burn_mean
        assert told[1].tte_p50 > told[0].tte_p50

    def test_an_unbounded_pool_is_never_exhausted(self, factory: ForecastModelFactory) -> None:
        model = opened(factory, "unbounded")
        said = model.forecast(burn(model, 50.0, 60), 1.0, None)
        assert said.p_exhaustion == 0.0
        assert math.isinf(said.tte_p99)

    def test_slots_in_use_are_not_burnt(self, factory: ForecastModelFactory) -> None:
        model = opened(factory, "concurrency")
        now = burn(model, 1.0, 60)
        assert model.forecast(now, 1.0, None, 1.0).p_exhaustion == 0.0
        full = model.forecast(now, 0.0, None)
        assert full.p_exhaustion == 1.0
        assert math.isinf(full.tte_p50)

    @pytest.mark.parametrize("kind", ["bucket", "sliding"])
    def test_what_flows_back_faster_than_it_is_spent_lasts(
        self, factory: ForecastModelFactory, kind: str
    ) -> None:
        slow, fast = opened(factory, kind), opened(factory, kind)
        now = burn(slow, 0.5, WINDOW)
        burn(fast, 10.0, WINDOW)
        assert math.isinf(slow.forecast(now, 600.0, None).tte_p50)
        hasty = fast.forecast(now, 600.0, None)
        assert math.isfinite(hasty.tte_p50)
        assert hasty.p_exhaustion > slow.forecast(now, 600.0, None).p_exhaustion
