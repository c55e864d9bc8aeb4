"""The track record: what became of forecasts, in figures that never take more room."""

from __future__ import annotations

import json
import math

import pytest

from ratelord_core.forecast import ForecastBook, TrackRecord
from ratelord_core.forecast.track import Trials
from ratelord_core.model.forecast import Forecast
from ratelord_core.model.instant import MINUTE, SECOND
from ratelord_core.model.pool import Pool
from ratelord_core.model.window import Window
from ratelord_linear.plugin import LinearFactory

START = 1_767_225_600 * SECOND
POOL = Pool("gh", "core", limit=100, window=Window(kind="fixed", every=MINUTE))
BEYOND = (math.inf, math.inf, math.inf)


def test_an_empty_record_has_no_score() -> None:
    assert TrackRecord().score() is None


def test_scores_are_what_their_definitions_say() -> None:
    record = TrackRecord()
    record.settle(0.9, (40.0, 20.0, 10.0), 60.0, 30.0, 60.0)
    record.settle(0.2, BEYOND, 60.0, math.inf, 60.0)
    score = record.score()
    assert score is not None
    assert score.forecasts == 2
    assert score.base_rate == 0.5
    assert score.brier == pytest.approx((0.1**2 + 0.2**2) / 2)
    assert score.log_loss == pytest.approx(-(math.log(0.9) + math.log(0.8)) / 2)
    assert score.calibration_error == pytest.approx((0.1 + 0.2) / 2)
    assert (score.coverage_p50, score.coverage_p90, score.coverage_p99) == (0.0, 1.0, 1.0)
    pinball = (0.5 * 10 + 0.1 * 10 + 0.01 * 20) / 60 / 3 / 2
    assert score.pinball_percent == pytest.approx(100 * pinball)
    assert score.skill == pytest.approx(1 - score.brier / 0.25)


def test_records_add_up() -> None:
    one, other, both = TrackRecord(), TrackRecord(), TrackRecord()
    for record in (one, both):
        record.settle(0.7, (5.0, 4.0, 3.0), 10.0, 4.5, 10.0)
    for record in (other, both):
        record.settle(0.1, BEYOND, 10.0, math.inf, 10.0)
    one.add(other)
    assert one.score() == both.score()
    assert [each.number for each in one.bins()].count(1) == 2


def _say(risk: float) -> Forecast:
    return Forecast(10.0, 5.0, 2.0, risk)


def test_a_forecast_is_settled_by_the_end_of_its_window() -> None:
    trials = Trials(60.0)
    trials.begin(0.0, 60.0)
    trials.lay_aside(0.0, _say(0.8))
    trials.begin(30.0, 60.0)
    assert trials.record.forecasts == 0
    trials.exhausted(50.0)
    trials.begin(60.0, 120.0)
    assert (trials.record.forecasts, trials.record.came, trials.record.windows) == (1, 1, 1)
    trials.lay_aside(60.0, _say(0.8))
    trials.begin(120.0, 180.0)
    assert (trials.record.forecasts, trials.record.came, trials.record.windows) == (2, 1, 2)


def test_windows_without_an_end_settle_nothing() -> None:
    trials = Trials(60.0)
    trials.begin(0.0, None)
    assert trials.due == math.inf
    trials.lay_aside(0.0, _say(0.5))
    trials.begin(600.0, None)
    assert trials.record.score() is None


def test_restored_trials_go_on_as_if_nothing_had_happened() -> None:
    one, twin = Trials(60.0), Trials(60.0)
    one.begin(0.0, 60.0)
    one.lay_aside(0.0, Forecast(math.inf, 5.0, 2.0, 0.4))
    twin.restore(json.loads(json.dumps(one.state(), allow_nan=False)))
    for each in (one, twin):
        each.exhausted(20.0)
        each.begin(60.0, None)
    assert twin.state() == one.state()
    assert twin.record.score() == one.record.score() is not None


def _spent(book: ForecastBook, windows: int, units: int) -> None:
    for window in range(windows):
        begin = START + window * MINUTE
        book.window(POOL.key, begin, 0, begin + MINUTE)
        for second in range(60):
            book.observe(POOL.key, begin + second * SECOND, units)
    end = START + windows * MINUTE
    book.window(POOL.key, end, 0, end + MINUTE)


def test_a_book_scores_its_own_forecasts_as_windows_end() -> None:
    book = ForecastBook(LinearFactory())
    book.declare(POOL, START, 0, START + MINUTE)
    assert book.score(POOL.key, START + 60 * MINUTE) is None
    _spent(book, 12, 2)
    score = book.score(POOL.key, START + 60 * MINUTE)
    assert score is not None
    assert score.base_rate == 1.0
    assert score.windows == 12
    assert 24 <= score.forecasts <= 9 * 12
    assert score.brier < 0.2
    assert list(book.records()) == [POOL.key]


def test_the_same_tellings_give_the_same_score_also_across_a_snapshot() -> None:
    book, twin = ForecastBook(LinearFactory()), ForecastBook(LinearFactory())
    for each in (book, twin):
        each.declare(POOL, START, 0, START + MINUTE)
    _spent(book, 5, 1)
    twin.restore(json.loads(json.dumps(book.state(), allow_nan=False)))
    assert twin.state() == book.state()
    assert twin.score(POOL.key, START + 60 * MINUTE) == book.score(POOL.key, START + 60 * MINUTE)
