"""Which moments a model learns from."""

from __future__ import annotations

import json
import math

import pytest

from ratelord_core.forecast import Occasions


def _looked_at(occasions: Occasions, until: float) -> list[float]:
    found = []
    while occasions.next < until:
        found.append(occasions.passed())
    return found


def test_instants_are_spread_evenly_over_the_window_and_differ_from_one_to_the_next() -> None:
    occasions, places = Occasions(), []
    for window in range(200):
        occasions.begin(60.0 * window, 60.0 * (window + 1))
        instants = _looked_at(occasions, 60.0 * (window + 1))
        assert len(instants) == 3
        places += [instant % 60.0 for instant in instants]
    assert len(set(places)) > 300
    for quarter in range(4):
        inside = [place for place in places if 15 * quarter <= place < 15 * (quarter + 1)]
        assert len(inside) == pytest.approx(150, abs=10)


@pytest.mark.parametrize("usages", [6, 60, 600])
def test_the_usages_looked_at_stand_for_all_of_them(usages: int) -> None:
    occasions, stood_for, looks = Occasions(), 0, 0
    for window in range(30):
        occasions.begin(60.0 * window, 60.0 * (window + 1))
        for _ in range(usages):
            stands_for = occasions.used()
            stood_for, looks = stood_for + stands_for, looks + (stands_for > 0)
    assert stood_for == pytest.approx(30 * usages, rel=0.03)
    assert looks <= 30 * max(7, usages / 3) + 100
    assert occasions.begin(1800.0, 1860.0) == pytest.approx(usages)


def test_a_crowded_window_is_looked_at_half_as_often_until_the_next_one_begins() -> None:
    occasions = Occasions()
    occasions.begin(0.0, 60.0)
    assert [occasions.used() for _ in range(6)] == [0, 0, 3, 0, 0, 3]
    occasions.crowded()
    assert [occasions.used() for _ in range(6)] == [0, 0, 0, 0, 0, 6]
    occasions.begin(60.0, 120.0)
    assert [occasions.used() for _ in range(3)] == [0, 0, 3]


def test_in_a_window_that_never_ends_no_instant_is_looked_at() -> None:
    occasions = Occasions()
    occasions.begin(0.0, None)
    assert occasions.next == math.inf
    occasions.begin(10.0, 5.0)
    assert occasions.next == math.inf


def test_restored_occasions_go_on_as_if_nothing_had_happened() -> None:
    one, twin = Occasions(), Occasions()
    one.begin(0.0, 60.0)
    for _ in range(8):
        one.used()
    one.passed()
    twin.restore(json.loads(json.dumps(one.state(), allow_nan=False)))
    for each in (one, twin):
        each.passed()
        each.used()
        each.begin(60.0, None)
    assert twin.state() == one.state()
