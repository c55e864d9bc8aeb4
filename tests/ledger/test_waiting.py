"""When a hold may start: reserve, spacing, shares, straddling, several pools at once."""

from __future__ import annotations

import pytest
from ledger_scene import LONG, NOON, Scene, pool

from ratelord_core.ledger import Asker, Need
from ratelord_core.model.instant import DAY, HOUR, MINUTE, SECOND
from ratelord_core.model.window import Window, WindowKind

HOURLY = pool("core", 100, Window("fixed", HOUR))
LOCAL = pool("cap", 10, Window("fixed", MINUTE), local=True)


def test_of_100_that_ask_for_20_left_20_less_the_reserve_start_now_and_the_rest_spaced() -> None:
    scene = Scene(HOURLY, reserve=5.0)
    scene.see(used=80, reset_at=NOON + HOUR)

    waits = [scene.ask(agent=f"agent {n}", within=2 * HOUR) for n in range(100)]

    assert waits[:15] == [0] * 15
    assert waits[15:] == [HOUR + SECOND + i * HOUR // (10 * 100) for i in range(85)]


def test_the_reserve_melts_as_the_reset_nears_until_nothing_is_left_unused() -> None:
    scene = Scene(HOURLY, reserve=5.0)
    scene.see(used=94, reset_at=NOON + HOUR)

    left = []
    for _ in range(6):
        free = 0
        while scene.ask(ttl=SECOND) == 0:
            free += 1
            scene.report(1)
        left.append(free)
        scene.wait(12 * MINUTE - SECOND)

    assert sum(left) == 6
    assert left[0] == 1


def test_the_reserve_is_exactly_the_floor_of_its_share_of_limit_and_time() -> None:
    scene = Scene(pool("core", 2**53 - 1, Window("fixed", HOUR)), reserve=5.0)
    scene.see(used=0, reset_at=NOON + HOUR - 7)
    kept = 5 * (2**53 - 1) * (HOUR - 7) // (100 * HOUR)

    assert scene.ask(2**53 - kept) is None
    assert scene.ask(2**53 - 1 - kept) == 0


def test_the_urgent_may_take_the_reserve() -> None:
    scene = Scene(HOURLY, reserve=5.0)

    assert scene.ask(96) is None
    assert scene.ask(100, urgent=True) == 0


def test_a_cap_of_our_own_keeps_no_reserve() -> None:
    scene = Scene(LOCAL, reserve=5.0)

    assert scene.ask(10) == 0


def test_spacing_is_clamped_to_the_longest_wait() -> None:
    scene = Scene(LOCAL)
    scene.ask(10, ttl=SECOND)

    waits = [scene.ask(agent=f"agent {n}", ttl=SECOND, within=62 * SECOND) for n in range(6)]

    second = MINUTE + SECOND
    assert waits == [second, second + 600_000, *[second + SECOND] * 4]


def test_spacing_alone_never_denies() -> None:
    scene = Scene(LOCAL)
    scene.ask(10, ttl=SECOND)

    assert [scene.ask(agent=f"{n}", ttl=SECOND, within=MINUTE) for n in range(11)] == [
        *[MINUTE] * 10,
        None,
    ]


def test_spacing_does_not_push_a_long_hold_into_a_window_where_it_does_not_fit() -> None:
    scene = Scene(pool("cap", 2, Window("fixed", 10 * SECOND), local=True))
    scene.ask(2, ttl=SECOND)
    asker = Asker(("b", "identity", "global"))
    needs = [Need("p/cap", 2, SECOND)]
    scene.ledger.place("full", asker, needs, NOON + 20 * SECOND, NOON)

    assert scene.ask(1, ttl=SECOND, within=LONG) == 10 * SECOND + SECOND // 2
    assert scene.ask(1, ttl=10 * SECOND - 1, agent="c", within=LONG) == 10 * SECOND


def test_promises_of_a_sliding_window_are_spaced_too() -> None:
    scene = Scene(pool("s", 10, Window("sliding", 10 * SECOND)))
    scene.ask(10, ttl=SECOND)

    waits = [scene.ask(ttl=SECOND, within=LONG) for _ in range(3)]

    assert waits == [11 * SECOND, 11 * SECOND + 100_000, 11 * SECOND + 200_000]


def test_an_agent_is_promised_at_most_its_weighted_share_of_a_future_window() -> None:
    scene = Scene(LOCAL)
    scene.ask(5, agent="heavy", weight=3.0, ttl=SECOND)
    scene.ask(5, agent="light", ttl=SECOND)

    def windows(agent: str, weight: float, asks: int) -> list[int]:
        waits = [scene.ask(agent=agent, weight=weight, ttl=0, within=LONG) for _ in range(asks)]
        return [(wait or 0) // MINUTE for wait in waits]

    assert windows("light", 1.0, 5) == [1, 1, 1, 2, 2]
    assert windows("heavy", 3.0, 9) == [1] * 7 + [2] * 2


def test_what_fits_now_is_not_refused_for_fairness_sake() -> None:
    scene = Scene(LOCAL)
    scene.ask(1, agent="a")
    scene.ask(1, agent="b")

    assert scene.ask(8, agent="a") == 0


def test_a_share_smaller_than_one_ask_still_lets_one_through() -> None:
    scene = Scene(LOCAL)
    for n in range(10):
        scene.ask(agent=f"agent {n}", ttl=SECOND)

    assert scene.ask(9, agent="agent 0", ttl=0, within=LONG) == MINUTE + SECOND


def test_of_a_window_of_unknown_length_only_the_next_reset_is_foreseen() -> None:
    scene = Scene(pool("core", 10, Window("fixed")))
    scene.see(used=10, reset_at=NOON + MINUTE)

    waits = [scene.ask(4, agent=f"{n}", ttl=SECOND, within=LONG) for n in range(3)]

    assert waits[0] == MINUTE + SECOND
    assert waits[1] is not None
    assert waits[1] > MINUTE + SECOND
    assert waits[2] is None


def test_of_a_window_of_known_length_several_resets_are_foreseen() -> None:
    scene = Scene(LOCAL)

    waits = [scene.ask(10, agent=f"{n}", ttl=0, within=LONG) for n in range(5)]

    assert waits == [0, *(n * MINUTE + SECOND for n in range(1, 5))]


def test_an_unresolved_hold_that_straddles_a_reset_counts_in_the_new_window_too() -> None:
    scene = Scene(LOCAL)
    scene.wait(MINUTE - SECOND)
    scene.ask(7)
    scene.wait(2 * SECOND)

    assert (scene.used, scene.available) == (0, 3)
    scene.report(7)
    assert (scene.used, scene.available) == (7, 3)


def test_nobody_is_promised_what_a_straddling_hold_may_still_use() -> None:
    scene = Scene(LOCAL)
    scene.wait(MINUTE - SECOND)
    scene.ask(7)

    assert scene.ask(4, ttl=0, within=2 * MINUTE) == SECOND + MINUTE + SECOND


def test_a_promise_counts_in_all_that_comes_after_it() -> None:
    scene = Scene(LOCAL)
    scene.ask(10, ttl=SECOND)
    scene.ask(10, ttl=SECOND, within=LONG)
    scene.wait(MINUTE)

    assert (scene.available, scene.figures().scheduled) == (0, 10)
    scene.wait(SECOND)
    assert (scene.figures().held, scene.figures().scheduled) == (10, 0)


def test_a_cancelled_promise_makes_room() -> None:
    scene = Scene(LOCAL)
    scene.ask(10, ttl=SECOND)
    scene.ask(10, ttl=SECOND, within=LONG)
    scene.report(0)

    assert scene.ask(10, ttl=SECOND, within=2 * MINUTE) == MINUTE + SECOND


def test_a_hold_longer_than_all_windows_looked_ahead_counts_in_every_one() -> None:
    scene = Scene(pool("cap", 10, Window("fixed", SECOND), local=True))
    assert scene.ask(10, ttl=0) == 0
    scene.report(0)
    assert scene.ask(6, ttl=DAY) == 0

    assert scene.ask(5, ttl=0, within=2 * HOUR) is None
    assert scene.ask(4, ttl=0) == 0


def test_a_long_hold_respects_a_promise_beyond_the_windows_looked_ahead() -> None:
    scene = Scene(pool("cap", 10, Window("fixed", SECOND), local=True))
    asker = Asker(("a", "identity", "global"))
    needs = [Need("p/cap", 6, 0)]
    found = scene.ledger.propose(needs, asker, NOON, not_before=NOON + HOUR)
    assert found.start is not None
    scene.ledger.place("far", asker, needs, found.start, NOON)

    assert scene.ask(5, ttl=DAY) is None
    assert scene.ask(4, ttl=DAY) == 0


def test_all_pools_of_an_ask_start_together_or_not_at_all() -> None:
    scene = Scene(
        LOCAL,
        pool("s", 5, Window("sliding", 90 * SECOND)),
        pool("c", 3, Window("concurrency")),
    )
    all_three = ("p/cap", "p/s", "p/c")
    scene.ask(5, pools=("p/s",), ttl=0)
    scene.report(5)

    assert scene.ask(4, pools=all_three, ttl=SECOND, within=LONG) is None
    assert [scene.figures(key).scheduled for key in all_three] == [0, 0, 0]
    wait = scene.ask(3, pools=all_three, ttl=SECOND, within=LONG)
    assert wait is not None
    assert wait >= 90 * SECOND
    hold = scene.ledger.holds[scene.last]
    assert {leg.start for leg in hold.legs.values()} == {NOON + wait}
    assert [scene.figures(key).scheduled for key in all_three] == [3, 3, 3]


def test_what_is_wanted_twice_from_one_pool_adds_up() -> None:
    scene = Scene(LOCAL)

    assert scene.ask(6, pools=("p/cap", "p/cap")) is None
    assert scene.ask(5, pools=("p/cap", "p/cap")) == 0
    assert scene.figures().held == 10


def test_nothing_may_be_asked_of_a_full_pool() -> None:
    scene = Scene(LOCAL)
    scene.ask(10)

    assert scene.ask(0) == 0


@pytest.mark.parametrize("kind", ["fixed", "sliding", "bucket", "concurrency"])
def test_a_budget_of_n_admits_exactly_n(kind: WindowKind) -> None:
    scene = Scene(pool("x", 7, Window(kind, HOUR), local=True))

    assert [scene.ask() for _ in range(9)] == [0] * 7 + [None] * 2


@pytest.mark.parametrize("kind", ["fixed", "sliding", "bucket", "concurrency"])
def test_more_than_the_limit_never_fits(kind: WindowKind) -> None:
    scene = Scene(pool("x", 7, Window(kind, HOUR), local=True))

    assert scene.ask(8, within=LONG) is None


def test_a_pool_whose_limit_nobody_knows_does_not_bind() -> None:
    scene = Scene(pool("core", None, Window("fixed", HOUR)))

    assert scene.ask(1_000_000) == 0


def test_an_unbounded_pool_only_writes_down() -> None:
    scene = Scene(pool("tracking", None, Window("unbounded")))
    scene.ask(1_000_000)
    scene.report(999_999)

    assert scene.used == 999_999
