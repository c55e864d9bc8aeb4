"""Behaviours: when an agent wants something."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from random import Random
from types import SimpleNamespace

import pytest

from ratelord_core import hookimpl, parts
from ratelord_core.behavior import Chance, Demand, Pace
from ratelord_core.model.instant import SECOND
from ratelord_sim import plugin as built_in

BUILT_IN = {behavior.name: behavior for behavior in built_in.ratelord_register_behaviors()}


def gaps(name: str, pace: Pace, count: int = 2000, seed: int = 1) -> list[int]:
    demands = BUILT_IN[name].demands(pace, Random(seed))
    return [demand.after for demand in islice(demands, count)]


@pytest.mark.parametrize("name", ["periodic", "poisson", "bursty"])
def test_demands_come_as_often_as_the_rate_says(name: str) -> None:
    found = gaps(name, Pace(rate=4.0, burst=5, jitter=20_000))

    assert sum(found) / len(found) == pytest.approx(SECOND / 4, rel=0.1)


def test_a_burst_comes_at_once_and_then_nothing_for_a_while() -> None:
    assert gaps("bursty", Pace(rate=1.0, burst=3, together=True), 7) == [
        0, 0, 0, 3 * SECOND, 0, 0, 3 * SECOND,
    ]  # fmt: skip


def test_those_who_come_together_begin_within_the_jitter() -> None:
    first = [
        gaps("periodic", Pace(rate=0.1, jitter=100, together=True), 1, n)[0] for n in range(99)
    ]
    apart = [gaps("periodic", Pace(rate=0.1), 1, n)[0] for n in range(99)]

    assert max(first) <= 100 < 2 * SECOND < max(apart) < 10 * SECOND


def test_a_trace_is_played_as_it_was_recorded() -> None:
    pace = Pace(rows=((0, 3.0), (5, None), (5, 1.0)))

    assert list(BUILT_IN["trace"].demands(pace, Random(1))) == [
        Demand(0, 3.0), Demand(5), Demand(0, 1.0),
    ]  # fmt: skip


def test_only_the_greedy_wait_for_their_last_action_to_end() -> None:
    assert [name for name, behavior in BUILT_IN.items() if behavior.closed] == ["greedy"]


class Once:
    """Wants one thing, and nothing more."""

    name, closed, paced = "once", False, False

    def demands(self, pace: Pace, chance: Chance) -> Iterator[Demand]:
        yield Demand(int(pace.options["after"]))


def test_a_plugin_brings_a_behavior_of_its_own() -> None:
    @hookimpl
    def ratelord_register_behaviors() -> list[Once]:
        return [Once()]

    mine = SimpleNamespace(ratelord_register_behaviors=ratelord_register_behaviors)

    assert isinstance(parts.load(extra=[("mine", mine)]).behaviors["once"], Once)
