"""Starts one after the other: the governor of a pool, turns of agents, use by others."""

from __future__ import annotations

import json
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelord_core.control import Governor, OutsideUse, PaceParams, Reading, Request
from ratelord_core.control.turns import Turns
from ratelord_core.model.instant import SECOND

WINDOW = 60 * SECOND


class Constant:
    """A controller of a constant pace."""

    def __init__(self, pace: float) -> None:
        self._pace = pace

    def update(self, reading: Reading) -> None:
        """Nothing follows."""

    def alarmed(self, t: float, part: float) -> None:
        """Nothing follows."""

    def pace(self, reading: Reading) -> float:
        return self._pace

    def state(self) -> list[Any]:
        return []

    def restore(self, state: list[Any]) -> None:
        """Nothing to restore."""


def governor(pace: float, *, fair: bool = True) -> Governor:
    """A governor of a constant pace."""
    return Governor(PaceParams(algorithm="constant", fair=fair), Constant(pace), WINDOW)


def request(now: float, agent: str = "a", **more: Any) -> Request:
    """One unit of a pool that renews all the time, unless told otherwise."""
    fields: dict[str, Any] = {"weight": 1.0, "units": 1, "free": 100.0, "reset_at": None}
    return Request(int(now * SECOND), agent, usual=1.0, **(fields | more))


READING = Reading(t=0.0, limit=60.0, spent=0.0, room=60.0, window=60.0, left=60.0)


def asked(governed: Governor, now: float, agent: str = "a", **more: Any) -> float | None:
    """Ask, and take what is given; the wait in seconds."""
    wanted = request(now, agent, **more)
    spaced = governed.ask(READING, wanted)
    if spaced is None:
        return None
    governed.answered(wanted.now, agent, wanted.weight, wanted.units, spaced, allowed=True)
    return spaced.wait / SECOND


def test_starts_follow_one_another_at_the_pace() -> None:
    governed = governor(2.0)

    assert [asked(governed, 0) for _ in range(4)] == [0.0, 0.5, 1.0, 1.5]
    assert asked(governed, 1) == 1.0, "three of these have begun by then"


def test_what_costs_more_keeps_others_waiting_longer() -> None:
    governed = governor(2.0)

    assert [asked(governed, 0, units=4), asked(governed, 0)] == [0.0, 2.0]


def test_asking_without_taking_changes_nothing() -> None:
    governed = governor(2.0)
    before = governed.state()
    governed.ask(READING, request(0))

    assert governed.state() == before


def test_nobody_waits_for_an_endless_pace() -> None:
    assert asked(governor(inf), 0) is None


def test_what_does_not_fit_any_more_is_paced_through_the_next_window() -> None:
    governed = governor(2.0)
    full = {"free": 0.0, "reset_at": 10 * SECOND, "window": WINDOW, "edge": 10 * SECOND}

    waits = [asked(governed, 0, guard=SECOND, **full) for _ in range(3)]

    assert waits == [11.0, 11.0 + 1.0, 11.0 + 2.0], "after the guard, at the usual pace"


def test_whoever_wants_more_than_its_share_leaves_room_for_others() -> None:
    governed = governor(2.0)
    for step in range(400):
        now = step / 10
        asked(governed, now, "noisy")
        if step % 10 == 0:
            wait = asked(governed, now, "quiet")

    assert wait is not None
    assert wait < 2.0
    assert (asked(governed, 40, "noisy") or 0.0) > 10.0


def test_a_start_out_of_turn_takes_nothing_from_the_turns_of_the_next_window() -> None:
    turns = Turns(WINDOW)
    turns.asked("a", 1.0, 1, 0)
    turns.served("a", 70 * SECOND, 2 * SECOND)
    turns.favoured("a", 50 * SECOND, 6 * SECOND)

    assert turns.next("a") == 72 * SECOND, "as if it had not been let in before"
    assert turns.out_of_turn("a") == 56 * SECOND, "but it is not let in so soon again"


def test_what_is_left_of_a_window_goes_to_everybody_not_to_who_asks_most() -> None:
    governed = governor(1.0)
    ends: dict[str, Any] = {"reset_at": 30 * SECOND, "window": WINDOW, "edge": 30 * SECOND}
    inside = {"noisy": 0, "calm": 0}
    for step in range(300):
        for agent in ("noisy", "noisy", "noisy", "calm"):
            wait = asked(governed, step / 10, agent, **ends)
            inside[agent] += wait is not None and step / 10 + wait < 30.0

    assert inside["noisy"] <= 2 * inside["calm"]


@pytest.mark.parametrize("weights", [[1.0] * 12, [1.0, 1.0, 10.0], [3.0, 1.0, 1.0, 1.0]])
def test_shares_are_right_from_the_first_question_of_a_burst_on(weights: list[float]) -> None:
    turns, pace = Turns(WINDOW), 3.0
    for place, weight in enumerate(weights):
        now = place * SECOND // 100
        for _ in range(20):
            turns.asked(f"agent-{place}", weight, 1, now)
            turns.share(f"agent-{place}", weight, pace, now)

    shares = [turns.share(f"agent-{n}", weight, pace, now) for n, weight in enumerate(weights)]
    assert shares == pytest.approx([pace * weight / sum(weights) for weight in weights], rel=0.15)


def test_a_demand_that_grows_at_once_is_seen_at_once() -> None:
    turns, pace = Turns(WINDOW), 3.0
    for agent, units in (("a", 400), ("b", 1)):
        turns.asked(agent, 1.0, units, 0)
    assert turns.share("a", 1.0, pace, 0) > pace / 2, "b wants next to nothing"
    turns.asked("b", 1.0, 400, 1)

    assert turns.share("a", 1.0, pace, 2) == pytest.approx(pace / 2)


def test_a_burst_after_a_long_silence_is_seen_at_once() -> None:
    turns, pace, later = Turns(WINDOW), 3.0, 10 * WINDOW
    for agent in "ab":
        turns.asked(agent, 1.0, 400, 0)
    assert turns.share("a", 1.0, pace, later) > pace
    for agent in "ab":
        turns.asked(agent, 1.0, 40, later)

    assert turns.share("a", 1.0, pace, later) == pytest.approx(pace / 2)


def test_a_crowd_of_strangers_does_not_make_each_question_dearer() -> None:
    turns = Counted(WINDOW)
    for place in range(2000):
        turns.asked(f"agent-{place}", 1.0, 1, place)
        turns.share(f"agent-{place}", 1.0, 3.0, place)

    assert turns.fills < 100


def test_those_who_ask_as_ever_are_reckoned_up_now_and_then() -> None:
    turns = Counted(WINDOW)
    for step in range(6000):
        turns.asked(f"agent-{step % 20}", 1.0, 1, step * SECOND // 50)
        turns.share(f"agent-{step % 20}", 1.0, 3.0, step * SECOND // 50)

    assert turns.fills < 200, "in two minutes"


class Counted(Turns):
    """Counts how often everybody's share is reckoned up."""

    fills = 0

    def _fill(self, pace: float, now: int) -> float:
        self.fills += 1
        return super()._fill(pace, now)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 50)), min_size=1, max_size=60))
def test_shares_add_up_to_the_pace_or_nobody_is_held_up(asks: list[tuple[str, int]]) -> None:
    turns = Turns(WINDOW)
    for place, (agent, units) in enumerate(asks):
        turns.asked(agent, 1.0, units, place * SECOND)
    now, pace = len(asks) * SECOND, 3.0
    agents = sorted({agent for agent, _ in asks})
    shares = [turns.share(agent, 1.0, pace, now) for agent in agents]
    limited = [share for share in shares if share < inf]

    assert len(set(limited)) <= 1, "all who are held up get the same"
    assert sum(limited) <= pace * (1 + 1e-9)


@given(st.lists(st.tuples(st.floats(0.0, 100.0), st.integers(0, 60)), max_size=40))
def test_a_governor_survives_a_restart(asks: list[tuple[float, int]]) -> None:
    one, other = governor(1.5), governor(1.5)
    for at, units in sorted(asks):
        asked(one, at, f"agent-{units % 3}", units=units)
        other.restore(json.loads(json.dumps(one.state())))
        assert other.state() == one.state()


def test_steady_use_by_others_is_expected_and_little_more() -> None:
    outside = OutsideUse(60.0)
    for poll in range(1, 40):
        outside.seen(poll * 5.0, 10.0, 0.0)

    expected = outside.until(39 * 5.0 + 10.0, 2.0)
    assert 20.0 <= expected < 25.0
    assert outside.rate == 2.0


def test_moody_use_by_others_is_given_a_wider_berth() -> None:
    steady, moody = OutsideUse(60.0), OutsideUse(60.0)
    for poll in range(1, 40):
        steady.seen(poll * 5.0, 10.0, 0.0)
        moody.seen(poll * 5.0, 40.0 if poll % 4 == 0 else 0.0, 0.0)

    assert moody.until(205.0, 2.0) > 1.5 * steady.until(205.0, 2.0)


def test_what_may_be_ours_makes_nobody_unsure() -> None:
    outside = OutsideUse(60.0)
    for poll in range(1, 40):
        outside.seen(poll * 5.0, 3.0 if poll % 2 else -3.0, 3.0)

    assert outside.until(39 * 5.0 + 10.0, 2.0) < 1.0
