"""When a pool runs dry, as the experts' common view has it."""

from __future__ import annotations

from itertools import pairwise
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelord_core.forecast import LOGITS
from ratelord_ensemble.experts import EXPERTS
from ratelord_ensemble.view import PRIOR, View

HORIZON = 600.0
MEAN = 1000.0

doubts = st.floats(1e-4, 9.0)
lefts = st.floats(1.0, 1e5)


def seen(doubt: float, flatter: float = 1.0) -> View:
    """Experts of one mind; what was learnt flattens how their risk depends on what is left."""
    view = View([MEAN] * EXPERTS, [doubt] * EXPERTS, 5.0, HORIZON, 1.0, 1.0, 0.0, 5.0)
    learnt = list(PRIOR)
    learnt[1] *= flatter
    view.bend(learnt, 1.0)
    return view


@given(doubts, st.floats(0.3, 2.0), lefts)
def test_there_is_a_bound_before_the_horizon_exactly_if_the_risk_is_above_its_level(
    doubt: float, flatter: float, left: float
) -> None:
    view = seen(doubt, flatter)
    risk = view.risk(left)
    for bound, level in zip(view.bounds(left, LOGITS), (0.5, 0.1, 0.01), strict=True):
        if abs(risk - level) > 1e-9:
            assert (bound <= HORIZON) is (risk > level)


@given(doubts, st.floats(0.3, 2.0), lefts, st.floats(1.0, 3.0))
def test_more_that_is_left_lasts_no_shorter(
    doubt: float, flatter: float, left: float, more: float
) -> None:
    view = seen(doubt, flatter)
    fewer, many = view.bounds(left, LOGITS), view.bounds(left * more, LOGITS)
    assert all(b >= a * (1.0 - 1e-9) for a, b in zip(fewer, many, strict=True))
    assert all(later >= earlier for later, earlier in pairwise(many))


@given(doubts, st.floats(0.3, 2.0), st.floats(1e-9, 2.5))
def test_less_than_half_a_usual_lump_lasts_until_somebody_asks(
    doubt: float, flatter: float, left: float
) -> None:
    view = seen(doubt, flatter)
    assert view.risk(left) == view.risk(2.5)
    assert view.bounds(left, LOGITS) == view.bounds(2.5, LOGITS)
    assert view.features(left) == view.features(2.5)


@given(doubts, st.floats(0.3, 2.0), st.sampled_from(LOGITS))
def test_a_bound_comes_to_the_horizon_without_a_leap(
    doubt: float, flatter: float, level: float
) -> None:
    view, low, high = seen(doubt, flatter), 1e-3, 1e30
    for _ in range(200):  # the most that is left with which the bound is before the horizon
        middle = (low * high) ** 0.5
        before = view.bounds(middle, (level, level, level))[0] < inf
        low, high = (middle, high) if before else (low, middle)
    assert view.bounds(low, (level, level, level))[0] == pytest.approx(HORIZON, rel=1e-3)


def test_what_is_known_badly_of_the_whole_window_does_not_spread_the_times() -> None:
    sure, unsure = seen(1.5), seen(1.5, flatter=0.4)
    left = MEAN / 2.0
    assert unsure.risk(left) < sure.risk(left)
    assert unsure.bounds(left, LOGITS)[1] > sure.bounds(left, LOGITS)[1]


def test_of_a_bursty_pool_that_rather_lasts_the_bound_is_no_twentieth_of_the_window() -> None:
    view = seen(8.0, flatter=0.4)
    assert 0.3 < view.risk(MEAN / 2.0) < 0.5
    assert view.bounds(MEAN / 2.0, LOGITS)[1] > HORIZON / 8.0
