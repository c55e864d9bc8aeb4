"""The clock on which demand is measured stands still while nobody could be let through."""

from __future__ import annotations

import pytest

from ratelord_core.forecast import Exposure


def _full(limit: float = 100.0) -> Exposure:
    exposure = Exposure(limit, 60.0)
    exposure.window(0.0, limit, 0.0, "fixed")
    return exposure


def test_it_runs_with_the_time_of_day_while_there_is_something_left() -> None:
    exposure = _full()
    assert exposure.observe(10.0, 5.0) == 10.0
    assert exposure.time(50.0) == 50.0


def test_it_stands_from_exhaustion_to_the_reset() -> None:
    exposure = _full()
    exposure.observe(20.0, 100.0)
    assert exposure.time(55.0) == 20.0
    exposure.window(60.0, 100.0, 0.0, "fixed")
    assert exposure.time(65.0) == 25.0


def test_usage_that_is_reported_all_the_same_shows_that_nobody_is_stopped() -> None:
    exposure = _full()
    exposure.observe(20.0, 100.0)
    assert exposure.observe(30.0, 5.0) == 30.0
    assert exposure.time(55.0) == 55.0


def test_it_stands_from_a_refusal_until_somebody_is_let_through() -> None:
    exposure = _full()
    exposure.refused(10.0)
    exposure.refused(15.0)
    assert exposure.time(30.0) == 10.0
    assert exposure.observe(40.0, 1.0) == 10.0
    assert exposure.time(45.0) == 15.0


def test_a_refusal_holds_it_for_one_window_at_most() -> None:
    exposure = _full()
    exposure.refused(10.0)
    assert exposure.time(1000.0) == 940.0
    assert exposure.observe(1000.0, 1.0) == 940.0


@pytest.mark.parametrize("kind", ["sliding", "bucket", "concurrency"])
def test_pools_that_give_back_all_the_time_do_not_stop_it(kind: str) -> None:
    exposure = Exposure(10.0, 60.0)
    exposure.window(0.0, 10.0, 0.0, kind)
    exposure.observe(5.0, 10.0)
    assert exposure.time(30.0) == 30.0


def test_what_is_taken_back_lets_it_run_again() -> None:
    exposure = _full()
    exposure.observe(20.0, 100.0)
    exposure.take_back(30.0, 10.0)
    assert exposure.time(35.0) == 25.0


def test_a_limit_that_shrinks_below_what_is_used_stops_it() -> None:
    exposure = _full()
    exposure.observe(10.0, 50.0)
    exposure.window(20.0, 40.0, 50.0, "fixed")
    assert exposure.time(50.0) == 20.0
