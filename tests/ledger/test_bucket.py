"""Token buckets: exact arithmetic, debts, promises that reckon with the latest draw."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from ledger_scene import LONG, Scene, pool

from ratelord_core.model.instant import DAY, HOUR, MINUTE, SECOND
from ratelord_core.model.window import Window

BUCKET = pool("b", 10, Window("bucket", 10 * SECOND))


def test_it_begins_full_and_refills_by_limit_over_w() -> None:
    scene = Scene(BUCKET)
    assert scene.ask(10) == 0
    scene.report(10)
    assert scene.ask(1) is None
    scene.wait(SECOND - 1)
    assert scene.ask(1) is None
    scene.wait(1)

    assert scene.ask(1) == 0


def test_it_never_holds_more_than_its_burst() -> None:
    scene = Scene(pool("b", 10, Window("bucket", 10 * SECOND, burst=4)))
    scene.wait(DAY)

    assert scene.ask(5, within=LONG) is None
    assert scene.ask(4) == 0


def test_a_burst_above_the_limit_may_be_taken_at_once() -> None:
    scene = Scene(pool("b", 10, Window("bucket", 10 * SECOND, burst=25)))

    assert scene.ask(25) == 0
    scene.report(25)
    assert scene.ask(1, within=LONG) == SECOND


def test_a_debt_is_paid_before_anything_is_available() -> None:
    scene = Scene(BUCKET)
    scene.ask(10)
    scene.report(30)
    assert (scene.used, scene.available) == (30, 0)

    assert scene.ask(1, within=LONG) == 21 * SECOND


@given(
    limit=st.integers(1, 1000),
    every=st.integers(1, 10**7),
    steps=st.lists(st.integers(0, 10**6), min_size=1, max_size=50),
)
def test_many_small_steps_refill_exactly_what_one_large_one_does(
    limit: int, every: int, steps: list[int]
) -> None:
    shape = pool("b", limit, Window("bucket", every, burst=10**9))
    one, many = Scene(shape), Scene(shape)
    for scene in (one, many):
        scene.ask(10**9, ttl=1)
        scene.report(10**9)
    one.wait(sum(steps))
    for step in steps:
        many.wait(step)
        many.figures()

    exact = min(10**9, Fraction(limit * sum(steps), every).__floor__())
    assert one.available == many.available == exact


def test_ten_years_of_odd_steps_lose_nothing() -> None:
    scene = Scene(pool("b", 7, Window("bucket", 3 * SECOND, burst=10**12)))
    scene.ask(10**12)
    scene.report(10**12)
    step = 3650 * DAY // 997 + 1
    for _ in range(997):
        scene.wait(step)
        scene.figures()

    assert scene.available == 7 * 997 * step // (3 * SECOND)


def test_a_held_unit_is_not_available_and_a_drawn_one_flows_in_again() -> None:
    scene = Scene(BUCKET)
    scene.ask(6)
    scene.wait(5 * SECOND)
    assert (scene.used, scene.available) == (0, 4)
    scene.report(6)
    assert (scene.used, scene.available) == (6, 4)
    scene.wait(SECOND)

    assert (scene.used, scene.available) == (5, 5)


def test_a_promise_reckons_with_a_draw_as_late_as_may_be() -> None:
    scene = Scene(BUCKET)
    scene.ask(10, ttl=MINUTE)

    assert scene.ask(3, within=LONG) == MINUTE + 3 * SECOND
    scene.wait(MINUTE)
    assert scene.available == 0
    scene.wait(3 * SECOND)
    assert (scene.figures().held, scene.figures().scheduled) == (3, 0)


def test_an_ask_now_is_let_in_if_what_it_draws_flows_in_before_the_next_promise() -> None:
    scene = Scene(BUCKET)
    scene.ask(4, ttl=MINUTE)
    wait = scene.ask(10, ttl=SECOND, within=LONG)
    assert wait == MINUTE + 4 * SECOND

    assert scene.ask(6, ttl=MINUTE - 7 * SECOND) == 0


def test_an_ask_now_is_refused_if_a_promise_would_lack_what_it_draws() -> None:
    scene = Scene(BUCKET)
    scene.ask(4, ttl=MINUTE)
    scene.ask(10, ttl=SECOND, within=LONG)

    assert scene.ask(6, ttl=MINUTE) is None


def test_a_late_refund_does_not_return_what_has_flowed_in_again() -> None:
    scene = Scene(BUCKET)
    scene.ask(6)
    scene.wait(MINUTE + 2 * SECOND)
    assert scene.available == 6
    scene.report(0)
    assert scene.available == 10
    scene.ask(6, ttl=SECOND)
    scene.wait(MINUTE)
    scene.ask(6, ttl=0)
    scene.report(6)
    scene.report(0, "intent 2")

    assert scene.available == 4


def test_a_number_is_taken_with_what_flowed_in_since_and_what_was_settled_since() -> None:
    scene = Scene(BUCKET)
    dated = scene.now
    scene.wait(2 * SECOND)
    scene.ask(1)
    scene.report(1)
    scene.see(dated=dated, remaining=3)

    assert (scene.available, scene.used) == (4, 6)
    scene.see(dated=dated - SECOND, remaining=9)
    assert scene.available == 4
    scene.see(dated=dated - SECOND, remaining=0)
    assert scene.available == 2


def test_reset_at_is_when_it_is_full_again() -> None:
    scene = Scene(BUCKET)
    assert scene.figures().reset_at is None
    scene.ask(3)
    scene.report(3)

    assert scene.figures().reset_at == scene.now + 3 * SECOND


def test_a_bucket_that_lets_nothing_in_serves_what_is_in_it() -> None:
    scene = Scene(pool("b", 0, Window("bucket", SECOND, burst=3)))
    assert scene.ask(3) == 0
    scene.report(3)

    assert scene.ask(1, within=HOUR) is None


def test_a_bucket_without_a_known_limit_does_not_bind_and_is_full_once_it_is_known() -> None:
    scene = Scene(pool("b", None, Window("bucket", 10 * SECOND)))
    assert scene.ask(1000) == 0
    scene.see(limit=10)

    assert scene.figures().limit == 10
