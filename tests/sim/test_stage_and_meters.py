"""The clock that jumps, and providers that count for themselves."""

from __future__ import annotations

import pytest

from ratelord_core.model.instant import HOUR, MINUTE, SECOND, from_text
from ratelord_core.model.window import Window
from ratelord_sim.actors.calendar import Calendar
from ratelord_sim.provider.meters import Meter
from ratelord_sim.provider.service import Service
from ratelord_sim.scenario.model import FaultTerms, PhaseTerms, PoolTerms, ProviderTerms
from ratelord_sim.stage import Process, Stage

START = from_text("2026-01-01T00:00:00Z")


def test_things_happen_in_the_order_of_time_and_then_of_arrangement() -> None:
    stage, seen = Stage(0), []

    def sleeper(name: str, span: int) -> Process:
        yield span
        seen.append((stage.now, name))

    stage.spawn(sleeper("late", 20))
    stage.spawn(sleeper("first", 10))
    stage.at(10, lambda: seen.append((stage.now, "second")))
    stage.run(20)
    assert seen == [(10, "second"), (10, "first")]

    stage.run(21)
    assert seen[-1] == (20, "late")


def test_a_promise_wakes_whoever_waits_and_is_kept_once() -> None:
    stage, seen = Stage(0), []
    promise = stage.promise()

    def waiter() -> Process:
        seen.append((yield promise))

    stage.spawn(waiter())
    stage.at(5, lambda: promise.keep("told"))
    stage.at(6, lambda: promise.keep("again"))
    stage.run(10)

    assert seen == ["told"]


def service(window: Window, limit: int = 10, **terms: object) -> tuple[Stage, Service, Meter]:
    stage = Stage(START)
    pools = [PoolTerms("p/x", limit, window)]
    made = Service(ProviderTerms("p", latency=0, **terms), pools, (), stage, 1)  # type: ignore[arg-type]  # a test's
    return stage, made, made.truth["p/x"]


@pytest.mark.parametrize(
    ("window", "span", "back"),
    [
        (Window("fixed", every=MINUTE), MINUTE, 10),
        (Window("sliding", every=MINUTE), MINUTE, 10),
        (Window("bucket", every=MINUTE), 30 * SECOND, 5),
        (Window("calendar", unit="hour"), HOUR, 10),
        (Window("concurrency"), HOUR, 0),
    ],
)
def test_a_provider_refuses_what_is_too_much_until_capacity_comes_back(
    window: Window, span: int, back: int
) -> None:
    stage, provider, meter = service(window)

    assert provider.call({"p/x": 10}).status == "ok"
    assert provider.call({"p/x": 1}).status == "refused"
    stage.run(START + span)
    assert meter.room(stage.now) == back


def test_parallel_slots_come_back_when_the_work_is_done() -> None:
    _, provider, meter = service(Window("concurrency"), 1)
    provider.call({"p/x": 1})

    provider.done({"p/x": 1})

    assert meter.room(START) == 1


def test_numbers_that_lag_do_not_show_what_was_just_used() -> None:
    stage, provider, _ = service(Window("fixed", every=MINUTE), lag=5 * SECOND)
    provider.call({"p/x": 4})

    assert [seen.used for seen in provider.numbers(START)] == [0]
    stage.run(START + 6 * SECOND)
    assert [seen.used for seen in provider.numbers(START)] == [4]


def test_what_lags_into_the_next_window_does_not_count_there() -> None:
    stage, provider, _ = service(Window("fixed", every=MINUTE), lag=5 * SECOND)
    stage.run(START + 58 * SECOND)
    provider.call({"p/x": 4})
    stage.run(START + 70 * SECOND)

    assert [seen.used for seen in provider.numbers(START)] == [0]


def test_a_reset_with_jitter_lies_near_what_is_announced_and_not_upon_it() -> None:
    stage, _, meter = service(Window("fixed", every=MINUTE), reset_jitter=5 * SECOND)
    ends: list[int] = []
    meter.ended = lambda at, used: ends.append(at - START)
    for minute in range(1, 20):
        stage.run(START + minute * MINUTE)
        meter.used(stage.now)

    off = [end - (number + 1) * MINUTE for number, end in enumerate(ends)]
    assert len(set(off)) > 10
    assert all(abs(one) <= 5 * SECOND for one in off)


def test_an_outage_refuses_calls_and_fails_polls_for_its_time_only() -> None:
    stage = Stage(START)
    fault = FaultTerms("outage", at=SECOND, duration=SECOND, status="429", retry_after=7 * SECOND)
    provider = Service(ProviderTerms("p"), [PoolTerms("p/x", 10)], [fault], stage, 1)

    assert provider.call({"p/x": 1}).status == "ok"
    stage.run(START + SECOND)
    failure = provider.poll_failure()
    assert provider.call({"p/x": 1}).status == "refused"
    assert failure is not None
    assert (failure.kind, failure.retry_after) == ("rate_limited", 7.0)
    stage.run(START + 2 * SECOND)
    assert provider.call({"p/x": 1}).status == "ok"


def test_a_phase_makes_a_group_faster_slower_or_silent() -> None:
    stage = Stage(START)
    phases = (
        PhaseTerms("calm", 10, 0.5),
        PhaseTerms("quiet", 10, agents=("b",)),
        PhaseTerms("rush", factor=2.0),
    )
    calendar = Calendar(phases, 100, stage)

    assert calendar.span("a", 3, paced=True) == 6
    assert calendar.span("a", 9, paced=True) == 22, (
        "5 of 9 in calm, none in quiet, 4 at double speed"
    )
    assert calendar.span("b", 9, paced=True) == 14
    assert calendar.span("a", 3, paced=False) == 3
    assert calendar.span("a", 1000, paced=True) is None
