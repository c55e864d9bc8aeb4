"""What the experts make of their own errors."""

from __future__ import annotations

from ratelord_ensemble.experts import Experts


def _steady(experts: Experts, since: int, until: int, units: float) -> None:
    for second in range(since, until):
        experts.observe(float(second), units)


def _once_jumped(times: float) -> float:
    """The greatest doubt five windows after a window in which demand was so many times as great."""
    experts = Experts(1000.0, 60.0)
    experts.demand.exposure.window(0.0, 1e9, 0.0, "fixed")
    _steady(experts, 0, 1200, 1.0)
    _steady(experts, 1200, 1260, times)
    _steady(experts, 1260, 1560, 1.0)
    return max(experts.doubts())


def test_a_jump_of_demand_is_doubted_for_what_it_is_and_no_more_the_farther_it_went() -> None:
    assert 0.05 < _once_jumped(8.0) < 1.0
    assert _once_jumped(80.0) < 1.5 * _once_jumped(8.0)


def test_demand_that_jumps_again_and_again_is_doubted_ever_more() -> None:
    experts = Experts(1000.0, 60.0)
    experts.demand.exposure.window(0.0, 1e9, 0.0, "fixed")
    _steady(experts, 0, 1200, 1.0)
    calm = max(experts.doubts())
    for jump in range(10):
        _steady(experts, 1200 + 60 * jump, 1245 + 60 * jump, 0.1)
        _steady(experts, 1245 + 60 * jump, 1260 + 60 * jump, 30.0)
    assert max(experts.doubts()) > 3.0 * calm
    assert max(experts.doubts()) > _once_jumped(30.0)
