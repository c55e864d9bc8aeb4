"""What a provider says: adopted, dated, compared, never a reason to refill early."""

from __future__ import annotations

import pytest
from ledger_scene import LONG, NOON, Scene, pool

from ratelord_core.model.instant import HOUR, MINUTE, SECOND
from ratelord_core.model.window import Window

CORE = pool("core", 100, Window("fixed", HOUR))
RESET = NOON + HOUR


def test_used_is_what_the_provider_counted_plus_what_was_settled_since() -> None:
    scene = Scene(CORE)
    scene.ask(10)
    scene.report(10)
    scene.wait(10 * SECOND)
    scene.ask(7)
    scene.report(7)
    scene.see(dated=NOON + 5 * SECOND, used=12)

    assert scene.used == 12 + 7


def test_open_holds_stay_on_top_until_a_poll_after_their_report() -> None:
    scene = Scene(CORE)
    scene.ask(10)
    scene.wait(SECOND)
    scene.see(used=10)
    assert (scene.used, scene.available) == (10, 80)
    scene.report(10)
    assert scene.used == 20
    scene.wait(1)
    scene.see(used=10)

    assert (scene.used, scene.available) == (10, 90)


def test_only_the_fields_that_were_said_change_anything() -> None:
    scene = Scene(CORE)
    scene.ask(10)
    scene.report(10)
    before = scene.figures()
    scene.see()
    assert scene.figures() == before
    scene.see(reset_at=RESET + MINUTE)
    assert (scene.used, scene.figures().reset_at) == (10, RESET + MINUTE)
    scene.see(limit=50)
    assert (scene.used, scene.figures().limit, scene.available) == (10, 50, 40)
    scene.see(remaining=5)
    assert scene.used == 45


def test_remaining_is_read_against_the_limit_beside_it() -> None:
    scene = Scene(CORE)
    scene.see(limit=60, remaining=50)

    assert (scene.figures().limit, scene.used) == (60, 10)


@pytest.mark.parametrize(
    ("observed", "drift", "surplus"),
    [(10, 0, 0), (9, 1, 0), (15, 0, 0), (16, 1, 1), (40, 25, 25), (0, 10, 0)],
)
def test_drift_is_the_distance_from_what_was_settled_up_to_that_plus_what_is_held(
    observed: int, drift: int, surplus: int
) -> None:
    scene = Scene(CORE)
    scene.see(used=0)
    scene.ask(10)
    scene.report(10)
    scene.ask(5)
    scene.wait(SECOND)
    found = scene.see(used=observed)

    assert (found.low, found.high, found.observed) == (10, 15, observed)
    assert (found.drift, found.surplus) == (drift, surplus)
    assert scene.used == observed


def test_a_hold_that_ran_before_the_poll_and_was_reported_after_it_explains_the_number() -> None:
    for shape in (CORE, pool("s", 100, Window("sliding", HOUR))):
        scene = Scene(shape)
        scene.see(used=0)
        scene.ask(5)
        scene.wait(2 * SECOND)
        scene.report(5)
        found = scene.see(dated=NOON + SECOND, used=5)

        assert (found.drift, found.low, found.high) == (0, 0, 5)
        assert scene.used == 10


def test_the_first_observation_is_no_drift() -> None:
    assert Scene(CORE).see(used=70).drift == 0


def test_an_older_observation_may_only_raise() -> None:
    scene = Scene(CORE)
    scene.wait(MINUTE)
    scene.see(used=50, limit=80)
    scene.see(dated=NOON, used=20, limit=100, reset_at=RESET + HOUR)
    assert (scene.used, scene.figures().limit, scene.figures().reset_at) == (50, 80, RESET)
    found = scene.see(dated=NOON, used=60)

    assert (scene.used, found.drift) == (60, 0)


def test_the_same_observation_twice_changes_nothing() -> None:
    for shape in (
        CORE,
        pool("s", 100, Window("sliding", HOUR)),
        pool("c", 9, Window("concurrency")),
    ):
        scene = Scene(shape)
        scene.ask(3)
        scene.report(2)
        scene.wait(SECOND)
        scene.see(used=7)
        before = scene.ledger.picture(scene.now)

        assert not scene.see(used=7).changed
        assert scene.ledger.picture(scene.now) == before


def test_we_refill_a_little_after_the_providers_reset() -> None:
    scene = Scene(CORE)
    scene.see(used=100, reset_at=RESET)
    scene.wait(HOUR + SECOND - 1)
    assert scene.available == 0
    scene.wait(1)

    assert (scene.used, scene.available) == (0, 100)
    assert [(reset.used, reset.at) for reset in scene.ledger.take_resets()] == [(100, RESET)]


def test_what_is_used_while_we_wait_out_the_guard_counts_in_the_next_window_too() -> None:
    scene = Scene(CORE)
    scene.wait(HOUR - SECOND)
    scene.ask(30)
    scene.wait(SECOND + SECOND // 2)
    scene.report(30)
    assert scene.ask(71, ttl=0, within=LONG, agent="b") == SECOND // 2 + HOUR
    scene.wait(SECOND)

    assert (scene.used, scene.available) == (30, 70)
    assert scene.ledger.picture(scene.now)["pools"]["p/core"]["shares"] == [
        ("a", "identity", "global", 30)
    ]


@pytest.mark.parametrize("moved", [-10 * MINUTE, 10 * MINUTE, 3 * HOUR])
def test_a_reset_that_moves_refills_nothing(moved: int) -> None:
    scene = Scene(CORE)
    scene.see(used=90)
    scene.see(reset_at=RESET + moved)

    assert (scene.used, scene.figures().reset_at) == (90, RESET + moved)
    scene.wait(HOUR + moved + SECOND - 1)
    assert scene.used == 90
    scene.wait(1)
    assert scene.used == 0


def test_a_reset_in_the_past_is_not_believed() -> None:
    scene = Scene(CORE)
    scene.see(used=90, reset_at=NOON - MINUTE)

    assert scene.figures().reset_at == RESET


def test_a_promise_counts_in_whichever_window_its_start_falls_now() -> None:
    scene = Scene(CORE)
    scene.see(used=100, reset_at=RESET)
    assert scene.ask(40, within=LONG) == HOUR + SECOND
    scene.see(reset_at=RESET + HOUR)
    scene.wait(HOUR + 10 * SECOND)

    assert (scene.figures().held, scene.available) == (40, 0)
    scene.report(40)
    assert scene.used == 140
    scene.wait(HOUR)
    assert (scene.used, scene.available) == (0, 100)


def test_the_provider_may_begin_its_window_while_we_wait_out_the_guard() -> None:
    scene = Scene(CORE)
    scene.see(used=90)
    scene.wait(HOUR + SECOND // 4)
    scene.ask(5)
    scene.report(5)
    scene.wait(SECOND // 4)
    scene.see(used=6, reset_at=RESET + HOUR)

    assert (scene.used, scene.available) == (6, 94)
    assert [reset.used for reset in scene.ledger.take_resets()] == [95]
    scene.wait(HOUR + SECOND // 2)
    assert scene.used == 0


def test_a_number_from_the_last_window_says_nothing_of_this_one() -> None:
    scene = Scene(CORE)
    scene.wait(HOUR + 2 * SECOND)
    scene.see(dated=RESET - SECOND, used=99)
    assert scene.used == 0
    scene.see(dated=RESET - SECOND, used=99, reset_at=RESET)

    assert scene.used == 0


def test_a_number_that_arrives_after_the_guard_counts_if_it_is_about_the_new_window() -> None:
    scene = Scene(CORE)
    scene.wait(HOUR + 2 * SECOND)
    scene.see(dated=RESET + SECOND // 2, used=9, reset_at=RESET + HOUR)

    assert scene.used == 9


def test_a_reset_that_the_provider_had_put_off_is_undone_by_its_number() -> None:
    scene = Scene(CORE)
    scene.see(used=100)
    scene.wait(HOUR + SECOND)
    assert scene.available == 100
    scene.see(used=100, reset_at=RESET + MINUTE)

    assert (scene.available, scene.figures().reset_at) == (0, RESET + MINUTE)


def test_unseen_use_of_a_sliding_window_is_dated_as_the_number() -> None:
    scene = Scene(pool("s", 100, Window("sliding", MINUTE)))
    scene.ask(10)
    scene.report(10)
    scene.wait(30 * SECOND)
    scene.see(dated=scene.now - SECOND, used=25)
    assert scene.used == 25
    scene.wait(30 * SECOND)
    assert scene.used == 15
    scene.wait(28 * SECOND)
    assert scene.used == 15
    scene.wait(SECOND)

    assert scene.used == 0


def test_a_sliding_number_contains_what_came_back_while_it_was_under_way() -> None:
    scene = Scene(pool("s", 100, Window("sliding", MINUTE)))
    scene.ask(10)
    scene.report(10)
    scene.wait(61 * SECOND)
    scene.see(dated=NOON + 59 * SECOND, used=10)

    assert scene.used == 0


def test_an_older_sliding_number_does_not_repeat_what_a_newer_one_showed() -> None:
    scene = Scene(pool("s", 100, Window("sliding", MINUTE)))
    scene.wait(30 * SECOND)
    scene.see(used=8)
    scene.see(dated=NOON + 20 * SECOND, used=8)
    assert scene.used == 8
    scene.see(dated=NOON + 20 * SECOND, used=9)

    assert scene.used == 9


def test_a_sliding_number_below_ours_forgets_the_oldest_use() -> None:
    scene = Scene(pool("s", 100, Window("sliding", MINUTE)))
    for _ in range(3):
        scene.ask(4)
        scene.report(4)
        scene.wait(10 * SECOND)
    scene.see(used=6)
    assert scene.used == 6
    scene.wait(41 * SECOND)

    assert scene.used == 4


def test_a_longer_sliding_window_gives_nothing_back_early() -> None:
    scene = Scene(pool("s", 100, Window("sliding", MINUTE)))
    scene.ask(4)
    scene.report(4)
    scene.wait(30 * SECOND)
    scene.see(window_every=2 * MINUTE)
    scene.wait(MINUTE)
    assert scene.used == 4
    scene.wait(30 * SECOND)

    assert scene.used == 0


def test_what_runs_elsewhere_is_what_the_provider_counts_beyond_our_own() -> None:
    scene = Scene(pool("c", 10, Window("concurrency")))
    scene.ask(3)
    scene.see(used=5)
    assert (scene.used, scene.available) == (2, 5)
    scene.report(3)
    assert (scene.used, scene.available) == (2, 8)


def test_an_unbounded_pool_adopts_numbers_too() -> None:
    scene = Scene(pool("t", None, Window("unbounded")))
    scene.ask(3)
    scene.report(3)
    scene.see(dated=NOON - SECOND, used=5)

    assert scene.used == 8


def test_what_a_calendar_s_new_window_counts_is_kept_though_we_wait_out_the_guard() -> None:
    scene = Scene(pool("hourly", 100, Window("calendar", unit="hour")))
    scene.wait(MINUTE)
    boundary = scene.figures().reset_at
    assert boundary is not None
    scene.wait(boundary - scene.now + SECOND // 2)
    scene.see(used=70, reset_at=boundary + HOUR)
    assert (scene.used, scene.figures().reset_at) == (70, boundary + HOUR)
    scene.wait(2 * SECOND)

    assert (scene.used, scene.available) == (70, 30)


def test_a_poll_sent_before_a_calendar_turns_and_answered_after_counts_in_the_new_window() -> None:
    scene = Scene(pool("hourly", 100, Window("calendar", unit="hour")))
    scene.wait(MINUTE)
    boundary = scene.figures().reset_at
    assert boundary is not None
    scene.wait(boundary - scene.now + SECOND // 10)
    scene.see(dated=boundary - SECOND // 10, used=40, reset_at=boundary + HOUR)
    scene.wait(2 * SECOND)

    assert scene.used == 40


def test_a_calendar_turns_no_earlier_because_a_provider_says_so() -> None:
    scene = Scene(pool("hourly", 100, Window("calendar", unit="hour")))
    scene.wait(MINUTE)
    boundary = scene.figures().reset_at
    assert boundary is not None
    scene.ask(60)
    scene.report(60)
    scene.wait(boundary - scene.now - 10 * SECOND)
    scene.see(used=60, reset_at=boundary + HOUR)

    assert (scene.used, scene.figures().reset_at) == (60, boundary)
