"""Whatever reaches the models: no exception reaches a decision, and uncertainty only widens."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest

from ratelord_core import plugins
from ratelord_core.forecast import ForecastBook, Standing
from ratelord_core.model.forecast import Forecast
from ratelord_core.model.instant import MINUTE, SECOND, Micros
from ratelord_core.model.pool import MAX_UNITS, Pool
from ratelord_core.model.window import Window

MODELS = plugins.load().named("ratelord_register_forecast_models", "model_id")
START: Micros = 1_767_225_600 * SECOND
KEY = "p/x"


@pytest.fixture(params=sorted(MODELS))
def book(request: pytest.FixtureRequest) -> ForecastBook:
    """A book of each model, with a pool of 100 a minute in steady use for half of it."""
    opened = ForecastBook(MODELS[request.param])
    opened.declare(pool(100), START, 0, START + MINUTE)
    for second in range(30):
        opened.observe(KEY, START + second * SECOND, 1)
    return opened


def pool(limit: int) -> Pool:
    """The pool with that limit."""
    return Pool("p", "x", limit=limit, window=Window("fixed", every=MINUTE))


def asked(
    book: ForecastBook, now: Micros, available: int, reset_at: Micros | None = START + MINUTE
) -> Forecast:
    """What the book says, which must be sane."""
    said = book.with_intent(KEY, now, Standing(available, reset_at), 1)
    assert not book.failed
    assert 0.0 <= said.p_exhaustion <= 1.0
    assert 0.0 <= said.tte_p99 <= said.tte_p90 <= said.tte_p50
    return said


def test_time_that_goes_back(book: ForecastBook) -> None:
    book.observe(KEY, START + 5 * SECOND, 3)
    book.refused(KEY, START + SECOND)
    book.window(KEY, START + 2 * SECOND, 30, START + MINUTE)

    asked(book, START + 3 * SECOND, 50)


def test_time_that_goes_back_to_before_a_reset_after_a_window_without_usage(
    book: ForecastBook,
) -> None:
    fresh = ForecastBook(MODELS[book.model_id])
    fresh.declare(pool(100), START, 0, START + MINUTE)
    fresh.window(KEY, START + MINUTE, 0, START + 2 * MINUTE)
    fresh.window(KEY, START + 3 * MINUTE, 0, START + 2 * MINUTE)
    fresh.window(KEY, START + 2 * MINUTE - SECOND, 0, START + 3 * MINUTE)
    for second in range(20):
        fresh.observe(KEY, START + 2 * MINUTE + second * SECOND, 1)
    fresh.window(KEY, START + 3 * MINUTE, 0, START + 4 * MINUTE)

    asked(fresh, START + 3 * MINUTE, 50, START + 4 * MINUTE)


def test_a_reset_that_comes_sooner_than_was_told_ends_what_is_learnt_from_its_window(
    book: ForecastBook,
) -> None:
    book.window(KEY, START + 30 * SECOND, 30, START + 31 * SECOND)
    book.observe(KEY, START + 59 * SECOND, 1)

    pending = book.state()[KEY]["memory"].get("calibration", {}).get("pending", ())
    assert [at for at, *_ in pending if at >= START / SECOND + 31] == []


def test_the_same_instant_again_and_again(book: ForecastBook) -> None:
    for _ in range(50):
        book.observe(KEY, START + 30 * SECOND, 1)

    assert asked(book, START + 30 * SECOND, 20).burn_mean < inf


@pytest.mark.parametrize("units", [0, MAX_UNITS, -MAX_UNITS])
def test_amounts_that_nobody_expects(book: ForecastBook, units: int) -> None:
    book.observe(KEY, START + 31 * SECOND, units)
    asked(book, START + 32 * SECOND, 50)
    book.window(KEY, START + MINUTE, 0, START + 2 * MINUTE)

    asked(book, START + MINUTE, 100, START + 2 * MINUTE)


def test_a_limit_that_shrinks_below_what_is_used(book: ForecastBook) -> None:
    book.declare(pool(10), START + 30 * SECOND, 30, START + MINUTE)
    said = asked(book, START + 30 * SECOND, 0)

    assert said.p_exhaustion == 1.0
    assert said.tte_p99 == 0.0


@pytest.mark.parametrize("reset_at", [START, START - MINUTE, 0, None])
def test_a_reset_in_the_past_or_none(book: ForecastBook, reset_at: Micros | None) -> None:
    book.window(KEY, START + 30 * SECOND, 30, reset_at)

    asked(book, START + 30 * SECOND, 50, reset_at)


def test_a_pool_that_holds_nothing(book: ForecastBook) -> None:
    book.declare(pool(0), START + 30 * SECOND, 0, START + MINUTE)
    book.observe(KEY, START + 31 * SECOND, 1)

    assert asked(book, START + 31 * SECOND, 0).p_exhaustion == 1.0


def test_drift_of_any_size_only_widens(book: ForecastBook) -> None:
    before: Any = asked(book, START + 30 * SECOND, 40)
    for units in (0, 5, 50, MAX_UNITS):
        book.widen(KEY, START + 30 * SECOND, units)
        after = asked(book, START + 30 * SECOND, 40)

        assert after.tte_p99 <= before.tte_p99 * (1 + 1e-9)
        before = after


def test_drift_that_stops_is_forgotten(book: ForecastBook) -> None:
    """Repeated drift widens the bounds until it stops; a while later they are as if it had never
    been."""
    twin = ForecastBook(MODELS[book.model_id])
    twin.declare(pool(100), START, 0, START + MINUTE)
    for second in range(30):
        twin.observe(KEY, START + second * SECOND, 1)
    spread = []
    for seen in range(4):
        book.widen(KEY, START + (30 + seen) * SECOND, 40)
        spread.append(asked(book, START + 34 * SECOND, 60).burn_variance)
    assert spread == sorted(spread)
    calm = asked(twin, START + 34 * SECOND, 60)
    assert spread[-1] > 1.5 * calm.burn_variance

    for window in range(1, 80):
        begin = START + window * MINUTE
        for each in (book, twin):
            each.window(KEY, begin, 0, begin + MINUTE)
            for second in range(0, 60, 2):
                each.observe(KEY, begin + second * SECOND, 1)
    now, reset_at = START + 80 * MINUTE - 30 * SECOND, START + 80 * MINUTE
    wary, never = asked(book, now, 20, reset_at), asked(twin, now, 20, reset_at)
    assert wary.burn_variance < 1.2 * never.burn_variance
    assert abs(wary.p_exhaustion - never.p_exhaustion) < 0.05
