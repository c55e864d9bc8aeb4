"""Sums of intervals over time agree with adding them up one by one."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from ratelord_core.ledger.profile import Profile

intervals = st.lists(
    st.tuples(st.integers(1, 30), st.integers(1, 12), st.integers(1, 4)), max_size=25
)


def naive_earliest(taken: list[tuple[int, int, int]], room: int, length: int, after: int) -> int:
    levels = [0] * 5000
    for start, span, units in taken:
        for at in range(start, start + span):
            levels[at] += units
    at = after
    while any(level > room for level in levels[at : at + length]):
        at += 1
    return at


@given(
    taken=intervals,
    now=st.integers(0, 20),
    back=st.integers(0, 10),
    room=st.integers(0, 8),
    length=st.integers(1, 15),
    wait=st.integers(0, 20),
)
def test_the_earliest_gap_is_the_one_found_by_looking(
    taken: list[tuple[int, int, int]], now: int, back: int, room: int, length: int, wait: int
) -> None:
    profile = Profile()
    for start, span, units in taken:
        profile.add(start, start + span, units)
    profile.advance(now)
    for start, span, units in taken[:back]:
        profile.add(start, start + span, -units)

    rest = taken[back:]
    found = profile.earliest(room, length, now + wait)
    assert found == naive_earliest(rest, room, length, now + wait)


def test_many_intervals_in_many_blocks_give_the_same_answers() -> None:
    dice = random.Random(7)
    profile = Profile()
    taken = [
        (dice.randrange(1, 3000), dice.randrange(1, 40), dice.randrange(1, 4)) for _ in range(4000)
    ]
    for start, span, units in taken:
        profile.add(start, start + span, units)
    assert len(profile._blocks) > 5
    for _ in range(20):
        room, length, after = dice.randrange(30, 70), dice.randrange(1, 60), dice.randrange(3000)
        assert profile.earliest(room, length, after) == naive_earliest(taken, room, length, after)


def test_nothing_is_kept_of_intervals_that_were_taken_back_or_are_past() -> None:
    profile = Profile()
    for number in range(2000):
        profile.add(number, number + 500, 1)
    for number in range(0, 2000, 2):
        profile.add(number, number + 500, -1)
    profile.advance(2500)

    assert (profile._level, profile._blocks) == (0, [])


def test_a_gap_that_never_comes_is_none() -> None:
    profile = Profile()
    profile.advance(10)
    profile.add(5, 2**70, 3)

    assert profile.earliest(2, 1, 10) == 2**70
    assert profile.earliest(-1, 1, 10) is None
