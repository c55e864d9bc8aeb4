"""What comes back one unit at a time is shared by weight among those who wait for it."""

from __future__ import annotations

import pytest
from ledger_scene import Scene, pool

from ratelord_core.model.instant import MINUTE, SECOND
from ratelord_core.model.pool import Pool
from ratelord_core.model.window import Window

ROLLING = pool("rolling", 12, Window("sliding", MINUTE))
BUCKET = pool("bucket", 12, Window("bucket", MINUTE))
SLOTS = pool("slots", 12, Window("concurrency"))
SHARED = pytest.mark.parametrize(
    ("shape", "half"), [(ROLLING, 6), (BUCKET, 12)], ids=["rolling", "bucket"]
)
"""Half of what comes back within two windows: one has nothing to give in the first."""


def filled(scene: Scene) -> Scene:
    """All of it is used, and both agents have asked."""
    for number in range(12):
        assert scene.ask(agent="greedy" if number else "modest", ttl=SECOND) == 0
        scene.report(1)
    return scene


def promises(scene: Scene, agent: str, weight: float = 1.0) -> int:
    """How many starts within the next window an agent can get."""
    found = 0
    while (
        scene.ask(agent=agent, ttl=SECOND, within=2 * MINUTE - 2 * SECOND, weight=weight)
        is not None
    ):
        found += 1
    return found


@SHARED
def test_whoever_asks_first_is_promised_no_more_than_its_share(shape: Pool, half: int) -> None:
    scene = filled(Scene(shape))

    greedy, modest = promises(scene, "greedy"), promises(scene, "modest")

    assert greedy == half
    assert modest >= half - 1


@SHARED
def test_an_agent_alone_is_promised_everything(shape: Pool, half: int) -> None:
    scene = Scene(shape)
    for _ in range(12):
        assert scene.ask(agent="greedy", ttl=SECOND) == 0
        scene.report(1)

    assert promises(scene, "greedy") >= 2 * half - 1


def test_a_heavier_agent_is_promised_more() -> None:
    scene = filled(Scene(ROLLING))
    assert scene.ask(agent="modest", within=2 * MINUTE, ttl=SECOND, weight=2.0)

    assert promises(scene, "greedy") <= 4 + 1
    assert promises(scene, "modest", weight=2.0) >= 6


def test_what_starts_at_once_is_not_shared() -> None:
    scene = Scene(ROLLING)
    assert scene.ask(agent="modest") == 0

    assert [scene.ask(agent="greedy") for _ in range(11)] == [0] * 11


def test_where_there_is_one_unit_agents_take_turns() -> None:
    scene = Scene(pool("one", 1, Window("sliding", 10 * SECOND)))
    assert scene.ask(agent="modest", ttl=SECOND) == 0
    first = scene.ask(agent="greedy", ttl=SECOND, within=5 * MINUTE)
    second = scene.ask(agent="greedy", ttl=SECOND, within=5 * MINUTE)
    turn = scene.ask(agent="modest", ttl=SECOND, within=5 * MINUTE)

    assert first is not None
    assert turn is not None
    assert second is not None
    assert first < turn < second


def test_a_promise_that_is_given_up_counts_no_more() -> None:
    scene = Scene(pool("one", 1, Window("sliding", 10 * SECOND)))
    assert scene.ask(agent="modest", ttl=SECOND) == 0
    first = scene.ask(agent="greedy", ttl=SECOND, within=5 * MINUTE)
    scene.report(0)

    assert scene.ask(agent="greedy", ttl=SECOND, within=5 * MINUTE) == first


def test_a_promise_that_was_used_still_counts() -> None:
    scene = Scene(pool("one", 1, Window("sliding", 10 * SECOND)))
    assert scene.ask(agent="modest", ttl=SECOND) == 0
    wait = scene.ask(agent="greedy", ttl=SECOND, within=5 * MINUTE)
    assert wait is not None
    scene.wait(wait)
    scene.report(1)

    again = scene.ask(agent="greedy", ttl=SECOND, within=5 * MINUTE)

    assert again == 20 * SECOND, "its turn, then another's"


def test_slots_are_shared_among_those_who_wait_for_them() -> None:
    scene = Scene(SLOTS)
    for number in range(12):
        assert scene.ask(agent="greedy" if number else "modest", ttl=MINUTE) == 0
    soon = [scene.ask(agent="greedy", ttl=MINUTE, within=MINUTE + SECOND) for _ in range(12)]

    assert sum(wait is not None for wait in soon) == 6
    assert scene.ask(agent="modest", ttl=MINUTE, within=MINUTE + SECOND) is not None


def test_a_quick_one_waits_with_its_crowd_not_behind_a_patient_one() -> None:
    scene = filled(Scene(ROLLING))
    late = [scene.ask(agent="greedy", ttl=SECOND, within=10 * MINUTE) for _ in range(30)]

    soon = scene.ask(agent="modest", ttl=SECOND, within=10 * MINUTE)

    assert soon is not None
    assert soon < MINUTE + 10 * SECOND
    assert max(wait or 0 for wait in late) > 3 * MINUTE
