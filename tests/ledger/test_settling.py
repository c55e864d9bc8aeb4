"""How holds end: reports in time, late, twice; expiry; extension."""

from __future__ import annotations

import pytest
from ledger_scene import LONG, NOON, Scene, pool

from ratelord_core.ledger import Asker, Ledger, Need
from ratelord_core.model.instant import HOUR, MINUTE, SECOND
from ratelord_core.model.pool import Pool
from ratelord_core.model.window import Window, WindowKind

LOCAL = pool("cap", 10, Window("fixed", HOUR), local=True)
SLIDING = pool("s", 10, Window("sliding", HOUR))
RUNNING = pool("jobs", 2, Window("concurrency"))


@pytest.mark.parametrize("shape", [LOCAL, SLIDING], ids=["fixed", "sliding"])
@pytest.mark.parametrize("really", [0, 3, 5, 8])
def test_a_report_turns_the_hold_into_what_was_used(shape: Pool, really: int) -> None:
    scene = Scene(shape)
    scene.ask(5)
    scene.report(really)

    assert (scene.used, scene.figures().held, scene.available) == (really, 0, 10 - really)


def test_a_report_above_its_hold_may_pass_the_limit_and_leaves_nothing() -> None:
    scene = Scene(LOCAL)
    scene.ask(5)
    scene.report(12)

    assert (scene.used, scene.available) == (12, 0)
    assert scene.ask(1, within=MINUTE) is None


def test_an_identical_second_report_changes_nothing() -> None:
    scene = Scene(LOCAL)
    scene.ask(5)
    first = scene.report(3)

    assert scene.report(3) == first
    assert scene.used == 3


def test_a_report_for_a_hold_that_nobody_knows_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="unheard"):
        Ledger().settle("unheard", {}, NOON, "")


def test_an_intent_holds_only_once() -> None:
    scene = Scene(LOCAL)
    scene.ask(5)

    with pytest.raises(ValueError, match="intent 1 has a hold"):
        scene.ledger.place("intent 1", Asker(("a", "", "")), [Need("p/cap", 1, 1)], NOON, NOON)


def test_use_counts_in_the_window_in_which_it_was_reported() -> None:
    scene = Scene(LOCAL)
    scene.ask(5, ttl=2 * HOUR)
    scene.wait(HOUR)
    scene.report(5)

    assert scene.used == 5


def test_a_hold_that_nobody_reports_is_used_in_full_as_of_its_expiry() -> None:
    scene = Scene(LOCAL)
    scene.ask(5)
    scene.wait(MINUTE - 1)
    assert scene.figures().held == 5
    scene.wait(1)

    assert (scene.used, scene.figures().held) == (5, 0)


def test_expiry_acts_at_its_own_instant_whenever_it_is_noticed() -> None:
    scene = Scene(LOCAL, SLIDING, RUNNING)
    everywhere = ("p/cap", "p/s", "p/jobs")
    scene.ask(2, pools=everywhere)
    scene.now += HOUR + MINUTE - 1

    assert scene.figures("p/cap").used == 0
    assert scene.figures("p/s").used == 2
    assert scene.figures("p/jobs").held == 0
    lines = {(line.pool, line.used, line.at) for _, line in scene.ledger.advance(scene.now)}
    assert lines == {
        ("p/cap", 2, NOON + MINUTE),
        ("p/s", 2, NOON + MINUTE),
        ("p/jobs", 0, NOON + MINUTE),
    }


def test_what_expired_is_told_once_even_if_somebody_looked_first() -> None:
    scene = Scene(LOCAL)
    scene.ask(5)
    scene.now += MINUTE
    assert scene.ask(6) is None

    assert len(scene.ledger.advance(scene.now)) == 1
    assert not scene.ledger.advance(scene.now)


def test_time_never_goes_back() -> None:
    scene = Scene(LOCAL, pool("b", 10, Window("bucket", 10 * SECOND)))
    scene.ask(10, pools=("p/cap", "p/b"))
    scene.report(10)
    scene.wait(5 * SECOND)
    before = scene.ledger.picture(scene.now)

    assert scene.ledger.picture(scene.now - HOUR) == before


@pytest.mark.parametrize("shape", [LOCAL, SLIDING], ids=["fixed", "sliding"])
@pytest.mark.parametrize("really", [0, 3, 9])
def test_a_late_report_corrects_use_that_still_counts(shape: Pool, really: int) -> None:
    scene = Scene(shape)
    scene.ask(5)
    scene.wait(2 * MINUTE)
    settled = scene.report(really)

    assert settled.late
    assert scene.used == really
    scene.wait(HOUR)
    assert scene.used == 0


@pytest.mark.parametrize("shape", [LOCAL, SLIDING], ids=["fixed", "sliding"])
def test_a_late_report_corrects_nothing_in_a_later_window(shape: Pool) -> None:
    scene = Scene(shape)
    scene.ask(5)
    scene.wait(HOUR + MINUTE)
    scene.ask(4)
    scene.report(4)
    scene.report(0, "intent 1")

    assert scene.used == 4


@pytest.mark.parametrize("shape", [LOCAL, SLIDING], ids=["fixed", "sliding"])
def test_a_late_report_corrects_nothing_that_a_newer_observation_covers(shape: Pool) -> None:
    scene = Scene(shape)
    scene.ask(5)
    scene.wait(2 * MINUTE)
    scene.see(used=5)
    scene.report(0)

    assert scene.used == 5


def test_a_late_report_corrects_what_an_older_observation_cannot_have_seen() -> None:
    scene = Scene(LOCAL)
    scene.ask(5)
    scene.see(dated=NOON + SECOND, used=2)
    scene.wait(2 * MINUTE)
    scene.report(1)

    assert scene.used == 3


@pytest.mark.parametrize("end", ["report", "expiry"])
def test_concurrency_is_free_again_once_the_hold_ends(end: str) -> None:
    scene = Scene(RUNNING)
    scene.ask(2)
    assert scene.ask(1) is None
    if end == "report":
        scene.report(2)
    else:
        scene.wait(MINUTE)

    assert (scene.used, scene.available) == (0, 2)
    assert scene.ask(2) == 0


def test_who_waits_for_concurrency_starts_when_the_first_must_have_ended() -> None:
    scene = Scene(RUNNING)
    scene.ask(1, ttl=90 * SECOND)
    scene.ask(1, ttl=MINUTE)

    assert scene.ask(1, within=LONG) == MINUTE
    assert scene.ask(1, within=LONG) == 90 * SECOND


def test_an_extended_hold_expires_later() -> None:
    scene = Scene(LOCAL)
    scene.ask(5)
    assert scene.ledger.extendable("intent 1", NOON + 2 * MINUTE, scene.now)
    scene.ledger.extend("intent 1", NOON + 2 * MINUTE, scene.now)
    scene.wait(MINUTE)
    assert scene.figures().held == 5
    scene.wait(MINUTE)

    assert (scene.used, scene.ledger.holds) == (5, {})


def test_an_extension_never_shortens() -> None:
    scene = Scene(LOCAL)
    scene.ask(5)
    scene.ledger.extend("intent 1", NOON + SECOND, scene.now)
    scene.wait(SECOND)

    assert scene.figures().held == 5


@pytest.mark.parametrize(
    "shape",
    [
        pool("x", 10, Window("fixed", 90 * SECOND), local=True),
        pool("x", 10, Window("concurrency")),
        pool("x", 10, Window("sliding", 30 * SECOND)),
    ],
    ids=lambda shape: str(shape.window.kind),
)
def test_an_extension_that_would_break_a_promise_is_not_possible(shape: Pool) -> None:
    scene = Scene(shape)
    scene.ask(6)
    wait = scene.ask(6, within=LONG)
    assert wait

    assert not scene.ledger.extendable("intent 1", NOON + wait + 1, scene.now)
    assert scene.ledger.extendable("intent 1", NOON + MINUTE, scene.now)


def test_the_reserve_for_the_urgent_does_not_end_a_hold_that_stands() -> None:
    scene = Scene(pool("core", 100, Window("fixed", HOUR)), reserve=5.0)
    scene.ask(90)
    scene.ask(10, urgent=True)

    assert scene.ledger.extendable("intent 1", NOON + 2 * MINUTE, scene.now)


def test_a_limit_that_shrank_does_not_end_a_hold_that_stands() -> None:
    kinds: tuple[WindowKind, ...] = ("fixed", "sliding", "bucket", "concurrency")
    for kind in kinds:
        window = Window(kind, HOUR)
        scene = Scene(pool("x", 10, window))
        scene.ask(10)
        scene.ledger.declare(pool("x", 5, window), scene.now)

        fits = scene.ledger.extendable("intent 1", NOON + 2 * MINUTE, scene.now)
        assert fits == (kind in {"fixed", "bucket"}), kind


def test_nothing_is_left_of_a_thousand_holds_once_all_have_ended() -> None:
    shapes = [
        pool("f", 20, Window("fixed", 10 * SECOND)),
        pool("s", 20, Window("sliding", 10 * SECOND)),
        pool("b", 20, Window("bucket", 10 * SECOND)),
        pool("c", 20, Window("concurrency")),
    ]
    for shape in shapes:
        scene = Scene(shape)
        for number in range(1000):
            scene.ask(1 + number % 3, ttl=SECOND, within=LONG, agent=f"agent {number % 7}")
            if number % 5 == 0:
                scene.wait(SECOND // 2)
            if number % 3 == 0 and scene.last in scene.ledger.holds:
                scene.report(0)
        scene.wait(LONG)
        scene.figures()
        account = scene.ledger.accounts[scene.key]

        assert (account.held, account.scheduled, account.legs) == (0, 0, set())
        assert not scene.ledger.holds
        remains = {name: list(getattr(account, name, ())) for name in ("_turns", "_waiting")}
        assert not any(remains.values())
        if hasattr(account, "_commitments"):
            assert account._commitments.endless == 0
            assert not account._commitments.units
            assert not account._commitments._promised_to
        if hasattr(account, "_profile"):
            assert (account._profile._level, account._profile._blocks) == (0, [])


def test_the_queue_of_expiries_does_not_keep_what_was_settled() -> None:
    scene = Scene(pool("x", 10, Window("concurrency")))
    for _ in range(5000):
        scene.ask(1, ttl=HOUR)
        scene.report(1)

    assert len(scene.ledger._expiries) < 2000
