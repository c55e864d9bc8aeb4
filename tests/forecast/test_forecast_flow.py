"""Windows that never end: what the book learns of them, and how their forecasts fare."""

from __future__ import annotations

import random
from collections import deque
from math import inf

import pytest

from ratelord_core import plugins
from ratelord_core.forecast import Course, ForecastBook, Returning, Standing, passage
from ratelord_core.forecast.flow import Flow
from ratelord_core.forecast.track import Trials
from ratelord_core.model.forecast import Forecast
from ratelord_core.model.instant import MINUTE, SECOND, Micros
from ratelord_core.model.pool import Pool
from ratelord_core.model.window import Window, WindowKind
from ratelord_core.testing.table import Table

MODELS = plugins.load().named("ratelord_register_forecast_models", "model_id")
START: Micros = 1_767_225_600 * SECOND
KEY = "p/x"
LIMIT = 40


def driven(model: str, kind: WindowKind, minutes: int = 120) -> ForecastBook:
    """A pool of 40 a minute (or slots that are held for about a minute) under a demand that jumps
    every 20 minutes between a half and one and a half times that; who finds none is refused."""
    chance = random.Random(7)
    book = ForecastBook(MODELS[model])
    window = Window(kind, every=None if kind == "concurrency" else MINUTE)
    book.declare(Pool("p", "x", limit=LIMIT, window=window), START, 0, None)
    gone: deque[float] = deque()
    level, last, t = float(LIMIT), 0.0, 0.0
    while t < 60.0 * minutes:
        t += chance.expovariate((0.5 if int(t / 1200) % 2 else 1.5) * LIMIT / 60.0)
        at = START + int(t * SECOND)
        while gone and gone[0] <= t:
            gone.popleft()
        level, last = min(LIMIT, level + (t - last) * LIMIT / 60.0), t
        left = int(level) if kind == "bucket" else LIMIT - len(gone)
        if left < 1:
            book.refused(KEY, at, room=False)
            continue
        level -= 1.0
        gone.append(t + 60.0)
        if book.observe(KEY, at, 1):
            book.stood(KEY, at, left - 1, 1, waits=False)
    return book


@pytest.mark.parametrize("kind", ["sliding", "bucket", "concurrency"])
@pytest.mark.parametrize("model", ["ensemble", "gamma"])
def test_forecasts_of_windows_that_never_end_are_settled_and_calibrated(
    model: str, kind: WindowKind
) -> None:
    score = driven(model, kind).score(KEY, START + 120 * MINUTE)

    assert score is not None
    assert score.forecasts > 100
    assert 0.1 < score.base_rate < 0.9
    assert score.calibration_error < 0.12
    assert score.skill is not None
    assert score.skill > 0.4
    assert score.coverage_p99 is not None
    assert score.coverage_p99 > 0.85


@pytest.mark.parametrize("kind", ["sliding", "bucket", "concurrency"])
def test_a_pool_that_is_left_alone_has_a_record_as_soon_as_one_window_has_passed(
    kind: WindowKind,
) -> None:
    every = "" if kind == "concurrency" else ", every: 60s"
    table = Table(f"pools: [{{id: local/idle, limit: 9, window: {{kind: {kind}{every}}}}}]")

    def settled() -> int:
        forecast = table.engine.reader.pool("local/idle", table.now).forecast
        assert forecast is not None
        return 0 if forecast.score is None else forecast.score.forecasts

    table.pass_time(59)
    assert settled() == 0
    table.pass_time(1)
    assert settled() == 1
    before = table.engine.state.book.state()
    table.pass_time(600)
    assert settled() == 1
    assert table.engine.state.book.state() == before, "looking changes nothing"

    assert table.ask().allowed
    table.pass_time(600)
    assert settled() == 2
    replayed = table.replayed()
    assert replayed.book.score("local/idle", table.now) == table.engine.state.book.score(
        "local/idle", table.now
    )


@pytest.mark.parametrize("kind", ["sliding", "bucket", "concurrency"])
def test_what_was_learnt_of_them_survives_a_snapshot(kind: WindowKind) -> None:
    book, twin = driven("ensemble", kind, 20), ForecastBook(MODELS["ensemble"])
    window = Window(kind, every=None if kind == "concurrency" else MINUTE)
    twin.declare(Pool("p", "x", limit=LIMIT, window=window), START, 0, None)
    twin.restore(book.state())
    now, standing = START + 20 * MINUTE, Standing(11)

    assert twin.score(KEY, now) == book.score(KEY, now)
    if kind != "concurrency":  # how long work takes is known from whole snapshots and the log only
        assert twin.with_intent(KEY, now, standing, 1) == book.with_intent(KEY, now, standing, 1)


def test_the_ledger_is_asked_only_when_units_may_be_gone() -> None:
    flow = Flow("sliding")
    assert flow.takes(1)
    flow.stood(100, 160)
    assert not any(flow.takes(1) for _ in range(99))
    assert flow.takes(1)
    flow.stood(0, 160)
    assert not any(flow.takes(1) for _ in range(10))


def test_how_long_work_takes_is_seen_from_how_many_slots_are_taken() -> None:
    flow = Flow("concurrency")
    for second in range(600):
        flow.started(float(second), 1.0, 20.0)

    assert flow.length() == pytest.approx(20.0, rel=0.05)


def test_work_that_takes_no_slot_lasts_as_long_as_is_usual() -> None:
    flow = Flow("concurrency")
    usual = flow.length()

    for at in range(5):
        flow.started(float(at), 0.0, 0.0)

    assert flow.length() == usual


def test_a_pool_of_slots_in_the_engine_has_a_graded_risk() -> None:
    table = Table("pools: [{id: local/jobs, limit: 10, window: concurrency}]")
    working: deque[str] = deque()
    for _ in range(120):  # six at a time, each for half a minute
        working.append(table.ask(max_wait=0).intent_id)
        if len(working) > 6:
            table.report(working.popleft())
        table.pass_time(5)

    def risk() -> float:
        (said,) = table.engine.reader.forecasts(table.now, "local/jobs")
        assert said.ttr_seconds is None
        return said.p_exhaustion

    steady = risk()
    while table.ask(max_wait=0).allowed:
        pass

    assert 0.0 < steady < 1.0
    assert risk() == 1.0


def test_an_unlearned_course_is_the_closed_form_and_failures_bend_it() -> None:
    course = Course(50.0, 0.5, 2.0, 0.001, 60.0, 1.0)
    returning = Returning()
    plain = passage(*course[:5], returns=True)
    assert returning.outlook(course) == plain
    for window in range(40):  # it always runs dry
        returning.stood(100.0 * window, course, dry=False)
        returning.stood(100.0 * window + 20.0, None, dry=True)
    chance, (_, _, p99) = returning.outlook(course)

    assert chance > plain[0]
    assert p99 < plain[1][2]


def test_trials_without_a_window_end_one_by_one() -> None:
    trials = Trials(60.0)
    said = Forecast(tte_p50=inf, tte_p90=30.0, tte_p99=10.0, p_exhaustion=0.3)
    assert trials.stood(0.0, dry=False)
    trials.lay_aside_for(0.0, 60.0, said)
    assert not trials.stood(5.0, dry=False)
    assert trials.stood(8.0, dry=False)
    trials.lay_aside_for(8.0, 60.0, said)
    trials.stood(61.0, dry=False)
    assert (trials.record.forecasts, trials.record.came) == (1, 0)
    assert not trials.stood(62.0, dry=True)
    assert (trials.record.forecasts, trials.record.came) == (2, 1)
