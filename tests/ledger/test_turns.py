"""Runs of turns that are passed by at a glance answer as a walk from turn to turn does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratelord_core.ledger import turns as module
from ratelord_core.ledger.turns import Flow, Point, Turn, Turns

FOREVER = 10**9
BEYOND = 10**12

times = st.integers(1, 60)
units = st.integers(0, 9)
draws = st.builds(lambda at, n: (at, -n, -n), times, units)
starts = st.builds(lambda at, n: (at, n, 0), times, units)
many = st.lists(st.one_of(draws, starts, starts), max_size=40)
flows = st.builds(Flow, st.integers(0, 3), st.integers(0, 30))


def points(flow: Flow) -> st.SearchStrategy[Point]:
    return st.builds(Point, st.just(0), st.integers(-20, flow.full), st.integers(0, 20))


class Walk:
    """The same questions, answered turn by turn."""

    def __init__(self, turns: list[Turn], flow: Flow, point: Point) -> None:
        self.stretches: list[tuple[int, int, int, int]] = []
        """Each stretch between two turns: from, to, level, held."""
        self.there: list[int] = []
        """What is available at the start that ends each stretch, if it is one."""
        at, level, held = point
        for then, more_held, more_level in [*sorted(turns), (FOREVER, 0, 0)]:
            self.stretches.append((at, then, level, held))
            level = min(flow.full, level + flow.rate * (then - at)) + more_level
            held += more_held
            at = then
            self.there.append(level - held if more_held > 0 else BEYOND)
        self.flow = flow

    def least(self) -> int:
        return min(self.there)

    def earliest(self, need: int, after: int) -> int | None:
        for number, (begin, end, level, held) in enumerate(self.stretches):
            if min(self.there[number:]) < need:
                continue
            for at in range(max(begin, after), min(end, 400)):
                if min(self.flow.full, level + self.flow.rate * (at - begin)) - held >= need:
                    return at
        return None


@pytest.fixture(autouse=True)
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of a few turns, so that a few dozen make many."""
    monkeypatch.setattr(module, "_LARGEST", 4)


@settings(max_examples=200)
@given(st.data(), many, flows, st.integers(0, 12), st.integers(0, 70))
def test_what_is_asked_of_runs_is_what_a_walk_finds(
    data: st.DataObject, drawn: list[Turn], flow: Flow, need: int, after: int
) -> None:
    point = data.draw(points(flow))
    turns = Turns()
    for turn in drawn:
        turns.add(turn)
    gone = data.draw(st.lists(st.sampled_from(drawn), unique_by=id)) if drawn else []
    left = list(drawn)
    for turn in gone:
        turns.least(flow, point)  # so that there is a glance to grow old
        turns.remove(turn)
        left.remove(turn)

    walk = Walk(left, flow, point)

    assert list(turns) == sorted(left)
    assert min(turns.least(flow, point), BEYOND) == walk.least()
    assert turns.earliest(flow, point, need, after) == walk.earliest(need, after)


def test_a_bucket_that_learns_another_limit_is_looked_at_anew() -> None:
    turns = Turns()
    for at in range(1, 40):
        turns.add((at, 1, 0))
        turns.add((at + 5, -1, -1))
    empty = Point(0, 0, 0)

    assert turns.least(Flow(1, 20), empty) > turns.least(Flow(0, 20), empty)


def test_thousands_of_waiters_are_looked_through_in_few_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_LARGEST", 96)
    steps = 0
    past = Flow.past

    def counted(flow: Flow, point: Point, turn: Turn) -> Point:
        nonlocal steps
        steps += 1
        return past(flow, point, turn)

    turns, flow, point = Turns(), Flow(1, 60), Point(0, 0, 0)
    for number in range(4000):
        turns.add((3 * number, 3, 0))
        turns.add((3 * number + 60, -3, -3))
    monkeypatch.setattr(Flow, "past", counted)

    assert turns.earliest(flow, point, 3, 0) is not None
    assert steps < 4 * 96
