"""What settled forecasts teach."""

from __future__ import annotations

import json
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelord_core.forecast import LOGITS, Calibration, Shadow
from ratelord_core.forecast.normal_equations import solve

NEVER = (math.inf, math.inf, math.inf)


def _teach(
    calibration: Calibration,
    windows: int,
    said: float,
    share: float,
    bounds: tuple[float, ...] = NEVER,
) -> None:
    """So many windows in which log odds ``said`` were laid aside and ``share`` ran dry at half time."""
    chance = random.Random(7)
    for window in range(windows):
        start = 60.0 * window
        calibration.settle()
        a, b, c = bounds
        for second in (0.0, 10.0):
            shadow = Shadow(start + second, 60.0 - second, (1.0, said), (a, b, c), lively=False)
            calibration.lay_aside(shadow)
        if chance.random() < share:
            calibration.exhausted(start + 30.0)
    calibration.settle()


def _calibration() -> Calibration:
    return Calibration((0.0, 1.0), (1.0, 2.0))


def _risk(calibration: Calibration, said: float) -> float:
    level, slope = calibration.coefficients
    return 1.0 / (1.0 + math.exp(-level - slope * said))


def test_nothing_settled_leaves_forecasts_as_they_are() -> None:
    calibration = _calibration()
    assert calibration.coefficients == [0.0, 1.0]
    assert calibration.shifts == [[0.0] * 3, [0.0] * 3]


@pytest.mark.parametrize(("said", "share"), [(2.0, 0.3), (-2.0, 0.6), (0.0, 0.9)])
def test_a_risk_that_was_said_wrongly_is_bent_to_what_came(said: float, share: float) -> None:
    calibration = _calibration()
    _teach(calibration, 400, said, share)
    assert _risk(calibration, said) == pytest.approx(share, abs=0.07)
    assert calibration.learnt_share > 0.9


def test_what_was_right_keeps_the_unlearned_forecast_in_the_running() -> None:
    calibration = _calibration()
    _teach(calibration, 400, 0.0, 0.5)
    assert _risk(calibration, 0.0) == pytest.approx(0.5, abs=0.06)


def test_a_bound_that_fails_too_often_moves_to_the_safe_side() -> None:
    calibration = _calibration()
    _teach(calibration, 200, 0.0, 0.5, (40.0, 40.0, 40.0))
    quiet, lively = calibration.shifts
    assert quiet[1] < -0.5
    assert quiet[2] < -0.5
    assert lively == [0.0, 0.0, 0.0]


def test_a_bound_that_always_holds_moves_out_slowly() -> None:
    calibration = _calibration()
    _teach(calibration, 20, 0.0, 0.0, (5.0, 5.0, 5.0))
    quiet = calibration.shifts[0]
    assert quiet[0] > quiet[1] > quiet[2] > 0.0


def _in_turn(told_if_dry: int, told_else: int) -> float:
    """How far the 90 % bound moved, which failed in each of every fourth window's few forecasts and
    held in the many of all others (or the other way round)."""
    calibration = _calibration()
    for window in range(400):
        start, dry = 60.0 * window, window % 4 == 0
        calibration.settle()
        for _ in range(told_if_dry if dry else told_else):
            bounds = (math.inf, 30.0, math.inf)
            calibration.lay_aside(Shadow(start, 60.0, (1.0, 0.0), bounds, lively=False))
        if dry:
            calibration.exhausted(start + 20.0)
    calibration.settle()
    return calibration.shifts[0][1]


def test_a_window_that_told_of_few_bounds_moves_them_less_than_one_that_told_of_many() -> None:
    assert _in_turn(told_if_dry=1, told_else=4) > 0.5  # 1 of 13 failed: fewer than one of ten
    assert _in_turn(told_if_dry=4, told_else=1) < -0.5  # 4 of 7


def test_after_exhaustion_nothing_is_open_until_the_window_ends() -> None:
    calibration = _calibration()
    calibration.exhausted(5.0)
    assert not calibration.waiting
    calibration.settle()
    assert calibration.waiting


@pytest.mark.parametrize(("busy", "said"), [(30, 0.73), (1, 0.5)])
def test_a_risk_is_right_for_those_who_ask_and_who_ask_most_count_most(
    busy: int, said: float
) -> None:
    """Every second window is a busy one and runs dry; nothing tells the two apart beforehand."""
    calibration = _calibration()
    for window in range(400):
        dry = window % 2 == 0
        usages = busy if dry else 1
        looked_at = Shadow(0.0, 60.0, (1.0, 0.0), NEVER, lively=True, usages=usages)
        calibration.lay_aside(looked_at)
        if dry:
            calibration.exhausted(30.0)
        calibration.settle((busy + 1) / 2)
    assert _risk(calibration, 0.0) > said - 0.06


def test_of_a_crowded_window_little_is_kept_and_stands_for_all_of_it() -> None:
    calibration, thinned = _calibration(), 0
    for each in range(3003):
        usages = 0 if each % 1001 == 7 else 3
        shadow = Shadow(float(each), 60.0, (1.0, 0.0), NEVER, lively=True, usages=usages)
        thinned += calibration.lay_aside(shadow)
    pending = calibration.state()["pending"]
    assert len(pending) <= 64
    assert thinned > 40
    assert [one[0] for one in pending if not one[5]] == [7.0, 1008.0, 2009.0]
    assert sum(one[5] for one in pending) == 3 * 3000


def test_a_restored_calibration_goes_on_as_if_nothing_had_happened() -> None:
    one, twin = _calibration(), _calibration()
    _teach(one, 20, 1.0, 0.3, (20.0, 10.0, 5.0))
    one.lay_aside(Shadow(1200.0, 60.0, (1.0, 0.5), (30.0, 9.0, math.inf), lively=True, usages=3))
    twin.restore(json.loads(json.dumps(one.state(), allow_nan=False)))
    for each in (one, twin):
        each.exhausted(1210.0)
        each.settle(4.0)
    assert twin.state() == one.state()
    assert twin.learnt_share == one.learnt_share


def test_the_levels_are_those_of_the_bounds() -> None:
    assert [1.0 / (1.0 + math.exp(-odds)) for odds in LOGITS] == pytest.approx([0.5, 0.1, 0.01])


@given(st.integers(1, 8), st.integers(0, 10_000))
def test_a_symmetric_system_is_solved(size: int, seed: int) -> None:
    chance = random.Random(seed)
    root = [[chance.uniform(-1, 1) for _ in range(size)] for _ in range(size)]
    full = [
        [sum(root[i][k] * root[j][k] for k in range(size)) + (i == j) for j in range(size)]
        for i in range(size)
    ]
    x = [chance.uniform(-5, 5) for _ in range(size)]
    right = [sum(full[i][j] * x[j] for j in range(size)) for i in range(size)]
    lower = [full[i][: i + 1] for i in range(size)]
    assert solve(lower, right) == pytest.approx(x, abs=1e-7)
