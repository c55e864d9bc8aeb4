"""The built-in delay controllers: what pace follows from what they see."""

from __future__ import annotations

import json
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelord_core import plugins
from ratelord_core.control import Reading
from ratelord_pid.plugin import ratelord_register_delay_controllers

FACTORIES = {factory.name: factory for factory in ratelord_register_delay_controllers()}


def made(name: str, **gains: Any) -> Any:
    """A controller of that kind."""
    factory = FACTORIES[name]
    return factory.build(factory.params(algorithm=name, **gains))


def reading(t: float = 30.0, spent: float = 50.0, **more: Any) -> Reading:
    """A window of 60 s and 100 units, which began at 0."""
    rest: dict[str, Any] = {"limit": 100.0, "window": 60.0, "left": 60.0 - t, "room": 100.0 - spent}
    return Reading(t=t, spent=spent, **(rest | more))


def test_all_of_them_are_registered() -> None:
    assert set(plugins.load().controllers()) == {"pid", "aimd", "pace"}


def test_pace_is_what_is_left_by_the_time_that_is_left() -> None:
    assert made("pace").pace(reading()) == pytest.approx(50 / 30)
    assert made("pace").pace(reading(spent=90)) == pytest.approx(10 / 30)


def test_pace_holds_nobody_up_who_need_not_fear() -> None:
    assert made("pace").pace(reading(risk=0.04)) == inf
    assert made("pace").pace(reading(risk=0.25)) == pytest.approx(2 * 50 / 30)
    assert made("pace", demand=False).pace(reading(risk=0.0)) == pytest.approx(50 / 30)


def test_pace_without_any_risk_holds_nobody_up_even_where_nobody_is_free() -> None:
    assert made("pace", free_below=0.0).pace(reading(risk=0.0)) == inf
    assert made("pace", free_below=0.0).pace(reading(risk=0.25)) == pytest.approx(2 * 50 / 30)


@pytest.mark.parametrize("risk", [0.5, 0.75, 1.0])
def test_pace_gives_out_evenly_what_is_likely_to_run_dry(risk: float) -> None:
    assert made("pace").pace(reading(risk=risk)) == pytest.approx(50 / 30)


@pytest.mark.parametrize("name", ["pace", "pid", "aimd"])
def test_an_empty_pool_has_no_pace(name: str) -> None:
    assert made(name).pace(reading(spent=100)) == 0.0


def test_pid_speeds_up_behind_its_line_and_slows_down_ahead_of_it() -> None:
    behind, ahead = made("pid"), made("pid")
    for t in (1.0, 2.0, 3.0, 4.0):
        behind.update(reading(t, spent=0.0))
        ahead.update(reading(t, spent=40.0))

    even = reading().even
    assert behind.pace(reading()) > even > ahead.pace(reading())


def test_the_integral_does_not_wind_up_while_nobody_asks() -> None:
    pid = made("pid")
    for t in range(1, 58):
        pid.update(reading(float(t), spent=0.0))
    for t in (58.0, 58.5, 59.0, 59.5):
        pid.update(reading(t, spent=130.0))

    assert pid.pace(reading(59.5, spent=90.0)) < reading(59.5, spent=90.0).even


def test_the_jump_back_of_the_line_at_a_reset_kicks_nobody() -> None:
    pid = made("pid", kd=1.0)
    pid.update(reading(58.0, spent=96.0))
    pid.update(reading(59.0, spent=98.0))
    before = pid.pace(reading())
    pid.update(reading(1.0, spent=2.0))

    assert pid.pace(reading()) == pytest.approx(before)


def test_aimd_creeps_up_and_backs_off_at_once() -> None:
    aimd = made("aimd")
    first = aimd.pace(reading())
    for t in range(1, 20):
        aimd.update(reading(float(t), spent=float(t)))
    faster = aimd.pace(reading())
    aimd.alarmed(21.0, 1.0)

    assert faster > first
    assert aimd.pace(reading()) == pytest.approx(0.8 * faster)


@pytest.mark.parametrize("name", sorted(FACTORIES))
@given(
    st.lists(
        st.tuples(st.floats(0.0, 1e6), st.floats(0.0, 1e9), st.floats(0.0, 1.0), st.booleans()),
        max_size=30,
    )
)
def test_whatever_it_is_told_a_pace_is_a_pace_and_survives_a_restart(
    name: str, told: list[tuple[float, float, float, bool]]
) -> None:
    one, other = made(name), made(name)
    for t, spent, risk, alarm in told:
        seen = reading(t % 60.0, spent, risk=risk)
        one.update(seen)
        if alarm:
            one.alarmed(t, risk)
        other.restore(json.loads(json.dumps(one.state())))

        assert one.pace(seen) >= 0.0
        assert other.pace(seen) == one.pace(seen)
        assert other.state() == one.state()


def test_the_derivative_is_that_of_use_not_of_the_line_that_it_is_to_follow() -> None:
    pid = made("pid", kp=0.0, ki=0.0, kd=1.0)
    pid.update(reading(1.0, spent=10.0))
    pid.update(reading(2.0, spent=10.0))
    assert pid.pace(reading()) == pytest.approx(reading().even), "the line rose, use did not"

    pid.update(reading(3.0, spent=12.0))
    assert pid.pace(reading()) < reading().even, "use rose"


def test_the_integral_stays_within_what_the_output_may_be() -> None:
    pid = made("pid", kp=0.0, ki=10_000.0)
    for t in range(1, 50):
        pid.update(reading(float(t), spent=0.0))
    assert pid.pace(reading()) == pytest.approx(2 * reading().even), "as fast as it may"

    pid.update(reading(50.0, spent=100.0))
    pid.update(reading(51.0, spent=100.0))
    assert pid.pace(reading()) < reading().even, "what had wound up does not hold it back"


def test_an_alarm_takes_from_a_pid_what_its_integral_had_added() -> None:
    eager, slow = made("pid", kp=0.0), made("pid", kp=0.0)
    for t in (1.0, 5.0, 9.0):
        eager.update(reading(t, spent=0.0))
        slow.update(reading(t, spent=40.0))
    hurried, held = eager.pace(reading()), slow.pace(reading())
    for pid in (eager, slow):
        pid.alarmed(10.0, 0.2)
        pid.update(reading(10.0, spent=100.0 / 6))

    assert hurried > reading().even > held
    assert eager.pace(reading()) == pytest.approx(reading().even)
    assert slow.pace(reading()) == pytest.approx(held), "who is slow already stays so"


def test_the_gains_of_aimd_are_how_fast_it_creeps_up_and_how_far_it_backs_off() -> None:
    bold, shy = (
        made("aimd", increase=step, decrease=cut) for step, cut in ((0.1, 0.9), (0.01, 0.5))
    )
    for aimd in (bold, shy):
        aimd.update(reading(1.0, spent=0.0))
    assert bold.pace(reading()) == pytest.approx(1.1 * reading().even)
    assert shy.pace(reading()) == pytest.approx(1.01 * reading().even)

    for aimd in (bold, shy):
        aimd.alarmed(2.0, 1.0)
    assert bold.pace(reading()) == pytest.approx(1.1 * 0.9 * reading().even)
    assert shy.pace(reading()) == pytest.approx(1.01 * 0.5 * reading().even)
