"""The closed forms behind the linear model, against what they solve."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ratelord_core.forecast.passage import (
    Z90,
    Z99,
    normal_cdf,
    passage,
    passage_chance,
    passage_time,
)

_LEVELS = st.floats(1.0, 1e9)
_RATES = st.floats(1e-3, 1e6)
_NOISES = st.floats(0.0, 1e6)
_DOUBTS = st.floats(0.0, 1e3)


@pytest.mark.parametrize(
    ("z", "probability"), [(0.0, 0.5), (Z90, 0.9), (Z99, 0.99), (-Z90, 0.1), (-40.0, 0.0)]
)
def test_the_normal_distribution_is_right_where_we_quote_it(z: float, probability: float) -> None:
    assert normal_cdf(z) == pytest.approx(probability, abs=1e-12)


@given(level=_LEVELS, rate=_RATES, noise=_NOISES, doubt=_DOUBTS, z=st.sampled_from((Z90, Z99)))
def test_a_passage_time_solves_its_equation_from_the_safe_side(
    level: float, rate: float, noise: float, doubt: float, z: float
) -> None:
    time = passage_time(level, rate, noise, doubt, z)
    assert 0.0 < time <= level / rate * (1 + 1e-9)
    high = rate * time + z * math.sqrt(noise * time + doubt * time * time)
    assert high == pytest.approx(level, rel=1e-6)


@given(level=_LEVELS, rate=_RATES, noise=_NOISES, doubt=_DOUBTS)
def test_the_chance_at_a_quoted_bound_is_the_quoted_one(
    level: float, rate: float, noise: float, doubt: float
) -> None:
    time = passage_time(level, rate, noise, doubt, Z90)
    if noise * time + doubt * time * time > 1e-12 * level * level:
        assert passage_chance(level, rate, noise, doubt, time) == pytest.approx(0.1, abs=1e-3)


@settings(max_examples=200)
@given(
    level=st.floats(0.5, 1e4),
    rate=st.floats(-50.0, 50.0),
    noise=st.floats(0.01, 1e4),
    doubt=st.floats(0.0, 10.0),
    horizon=st.floats(1.0, 1e4),
    returns=st.booleans(),
)
@example(level=15.0, rate=0.2, noise=1.0, doubt=0.0, horizon=60.0, returns=True)
def test_a_time_is_quoted_if_the_risk_is_as_great_as_its_level(
    level: float, rate: float, noise: float, doubt: float, horizon: float, returns: bool
) -> None:
    """Risk and times are two views of one thing: what runs dry rather than not has a median."""
    returns = returns or rate < 0.0
    chance, bounds = passage(level, rate, noise, doubt, horizon, returns=returns)
    for quoted, bound in zip((0.5, 0.1, 0.01), bounds, strict=True):
        if abs(chance - quoted) > 0.01 * quoted:
            assert (bound < horizon) is (chance > quoted)


@example(level=0.01, rate=-10.0, noise=1.0, doubt=0.0, z=1.0)
@given(level=_LEVELS, rate=st.floats(-1e6, 1e6), noise=_NOISES, doubt=_DOUBTS, z=_RATES)
def test_a_level_that_flows_back_is_passed_late_or_never(
    level: float, rate: float, noise: float, doubt: float, z: float
) -> None:
    assert passage_time(level, rate, noise, doubt, z) > 0.0
    near, far = (passage_chance(level, rate, noise, 0.0, horizon) for horizon in (1.0, 1000.0))
    assert 0.0 <= near <= far + 1e-9 <= 1.0 + 1e-9


@pytest.mark.parametrize("doubt", [0.0, 0.01])
def test_where_more_flows_back_than_is_spent_the_worst_instant_counts(doubt: float) -> None:
    found = [passage_chance(3.0, -5.0, 4.0, doubt, place / 100) for place in range(1, 1000)]

    assert found == sorted(found), "a longer horizon never means less risk"
    assert found[200] == found[-1] == passage_chance(3.0, -5.0, 4.0, doubt, 1e6)
    assert 0.0 < found[30] < found[-1], "the worst is not at the beginning"


def test_without_noise_the_answer_is_a_division() -> None:
    assert passage_time(100.0, 4.0, 0.0, 0.0, Z99) == pytest.approx(25.0)
    assert passage_chance(100.0, 4.0, 0.0, 0.0, 24.9) == 0.0
    assert passage_chance(100.0, 4.0, 0.0, 0.0, 25.1) == 1.0
    assert math.isinf(passage_time(100.0, -4.0, 0.0, 0.0, Z99))
    assert math.isinf(passage_time(100.0, 0.0, 0.0, 0.0, Z99))
