"""Another limit or window: it applies at once, what was used and held stays, nothing refills."""

from __future__ import annotations

import pytest
from ledger_scene import NOON, Scene, pool

from ratelord_core.ledger import Terms
from ratelord_core.model.instant import HOUR, MINUTE, SECOND
from ratelord_core.model.pool import Pool
from ratelord_core.model.window import Window

SHAPES = {
    "fixed": Window("fixed", MINUTE),
    "longer fixed": Window("fixed", HOUR),
    "unknown fixed": Window("fixed"),
    "calendar": Window("calendar", unit="day"),
    "sliding": Window("sliding", MINUTE),
    "longer sliding": Window("sliding", HOUR),
    "bucket": Window("bucket", HOUR),
    "slower bucket": Window("bucket", 2 * HOUR),
    "larger bucket": Window("bucket", HOUR, burst=500),
}


def shaped(name: str, limit: int | None = 10) -> Pool:
    return pool("x", limit, SHAPES[name])


@pytest.mark.parametrize("after", SHAPES)
@pytest.mark.parametrize("before", SHAPES)
def test_another_window_refills_nothing(before: str, after: str) -> None:
    scene = Scene(shaped(before))
    scene.ask(4)
    scene.report(4)
    scene.ask(3, ttl=3 * MINUTE)
    was = scene.available
    scene.ledger.declare(shaped(after), scene.now)

    assert scene.available <= was
    assert scene.figures().held == 3
    assert scene.ask(was + 1) is None
    scene.report(3, "intent 2")
    assert (scene.figures().held, scene.available) == (0, scene.available)


@pytest.mark.parametrize("name", SHAPES)
def test_a_limit_that_shrinks_applies_at_once(name: str) -> None:
    scene = Scene(shaped(name))
    scene.ask(4)
    scene.report(4)
    scene.ask(3)
    scene.ledger.declare(shaped(name, 5), scene.now)

    assert scene.figures().limit == 5
    if name == "larger bucket":
        assert (scene.used, scene.available) == (4, 500 - 4 - 3)  # its burst has not changed
    else:
        assert (scene.used, scene.available) == (4, 0)


@pytest.mark.parametrize("name", [name for name in SHAPES if "bucket" not in name])
def test_a_limit_that_grows_adds_only_the_difference(name: str) -> None:
    scene = Scene(shaped(name))
    scene.ask(4)
    scene.report(4)
    scene.ledger.declare(shaped(name, 12), scene.now)

    assert (scene.used, scene.available) == (4, 8)


def test_a_bucket_that_grows_still_has_to_fill() -> None:
    scene = Scene(shaped("bucket"))
    scene.ask(4)
    scene.report(4)
    scene.ledger.declare(shaped("bucket", 20), scene.now)
    assert scene.available == 6
    scene.ledger.declare(shaped("larger bucket", 20), scene.now)

    assert scene.available == 6


def test_the_same_declaration_again_changes_nothing() -> None:
    for name in SHAPES:
        scene = Scene(shaped(name))
        scene.ask(4)
        scene.report(4)
        scene.see(limit=7, used=3)
        before = scene.ledger.picture(scene.now)
        scene.ledger.declare(shaped(name), scene.now)

        assert scene.ledger.picture(scene.now) == before


def test_a_declaration_without_a_limit_keeps_the_one_that_is_known() -> None:
    scene = Scene(shaped("fixed"))
    scene.ledger.declare(shaped("fixed", None), scene.now)
    assert scene.figures().limit == 10
    scene.ledger.declare(shaped("sliding", None), scene.now)

    assert scene.figures().limit == 10


def test_a_window_of_another_length_keeps_the_reset_that_is_known() -> None:
    scene = Scene(shaped("longer fixed"))
    scene.ask(10)
    scene.report(10)
    scene.ledger.declare(shaped("fixed"), scene.now)
    assert scene.figures().reset_at == NOON + HOUR
    scene.wait(2 * MINUTE)

    assert scene.available == 0


def test_a_shorter_guard_does_not_end_a_longer_one_that_is_being_waited_out() -> None:
    scene = Scene(shaped("longer fixed"))
    scene.ask(10)
    scene.report(10)
    scene.wait(HOUR + SECOND // 2)
    scene.ledger.declare(pool("x", 10, Window("fixed", SECOND)), scene.now)
    assert scene.available == 0
    scene.wait(SECOND // 2)

    assert scene.available == 10


def test_a_number_that_was_under_way_while_the_window_changed_is_not_counted_twice() -> None:
    scene = Scene(shaped("longer fixed"))
    scene.ask(4)
    scene.report(4)
    scene.wait(10 * SECOND)
    scene.ledger.declare(shaped("fixed"), scene.now)
    scene.see(dated=NOON + 5 * SECOND, used=4)

    assert scene.used == 4


def test_an_old_number_does_not_beat_a_newer_one_because_the_window_changed() -> None:
    scene = Scene(shaped("longer fixed"))
    scene.wait(10 * SECOND)
    scene.see(used=8)
    scene.ledger.declare(shaped("fixed"), scene.now)
    scene.see(dated=NOON, used=1)

    assert scene.used == 8


def test_promises_stand_while_the_window_changes() -> None:
    scene = Scene(shaped("fixed"))
    scene.ask(10, ttl=SECOND)
    wait = scene.ask(5, ttl=SECOND, within=HOUR)
    assert wait
    for name in ("sliding", "bucket", "longer fixed", "calendar"):
        scene.ledger.declare(shaped(name), scene.now)
        assert (scene.figures().held, scene.figures().scheduled) == (10, 5)
    scene.wait(wait)

    assert (scene.figures().held, scene.figures().scheduled) == (5, 0)


def test_another_reserve_applies_when_the_configuration_is_declared() -> None:
    scene = Scene(pool("x", 100, Window("fixed", HOUR)))
    scene.ledger.terms = Terms(50.0)
    scene.ledger.declare(pool("x", 100, Window("fixed", HOUR)), scene.now)

    assert scene.ask(51) is None
    assert scene.ask(50) == 0


def test_an_anchor_says_when_the_first_window_ends() -> None:
    window = Window("fixed", MINUTE, anchor=NOON - 10 * HOUR + 20 * SECOND)

    assert Scene(pool("x", 5, window, local=True)).figures().reset_at == NOON + 20 * SECOND


def test_an_anchor_in_the_past_says_nothing_of_a_window_of_unknown_length() -> None:
    assert Scene(pool("x", 5, Window("fixed", anchor=NOON - SECOND))).figures().reset_at is None
    assert Scene(pool("x", 5, Window("fixed", anchor=NOON + 1))).figures().reset_at == NOON + 1


def test_a_pool_that_learns_its_limit_begins_to_bind() -> None:
    scene = Scene(pool("x", None, Window("fixed", HOUR)))
    scene.ask(7)
    scene.report(7)
    scene.see(limit=10)

    assert (scene.used, scene.available) == (7, 3)
