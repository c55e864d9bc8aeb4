"""Shares of a pool: whose demand it is, and how long what is left for them lasts."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratelord_core import plugins
from ratelord_core.forecast import ForecastBook, ShareForecast, Standing, Whose
from ratelord_core.forecast.slices import KEPT, MOST_PARTIES, Slices
from ratelord_core.model.forecast import Forecast
from ratelord_core.model.instant import HOUR, MINUTE, SECOND, Micros
from ratelord_core.model.pool import Pool
from ratelord_core.model.window import Window, WindowKind

MODELS = plugins.load().named("ratelord_register_forecast_models", "model_id")
START: Micros = 1_767_225_600 * SECOND
KEY = "p/x"
HOG, MOUSE = ("hog", "i", "repo:a"), ("mouse", "i", "repo:b")


def by_name(name: str) -> Whose:
    return (name, None, None)


def opened(model: str = "ensemble", kind: WindowKind = "fixed", limit: int = 1000) -> ForecastBook:
    book = ForecastBook(MODELS[model])
    window = Window(kind, every=None if kind == "concurrency" else HOUR)
    reset_at = START + HOUR if kind == "fixed" else None
    book.declare(Pool("p", "x", limit=limit, window=window), START, 0, reset_at)
    return book


def alone(said: ShareForecast | None) -> Forecast:
    """What the model says of the share, which it was asked about."""
    assert said is not None
    assert said.alone is not None
    return said.alone


def busy(book: ForecastBook, minutes: int = 30) -> Micros:
    """A hog takes nine units a minute, a mouse one."""
    for minute in range(minutes):
        book.observe(KEY, START + minute * MINUTE, 9, HOG)
        book.observe(KEY, START + minute * MINUTE + SECOND, 1, MOUSE)
    return START + minutes * MINUTE


@pytest.mark.parametrize("model", sorted(MODELS))
def test_a_share_has_the_burn_of_whoever_it_is(model: str) -> None:
    book = opened(model)
    now = busy(book)
    left = Standing(700, START + HOUR)
    whole = book.outlook(KEY, now, left)
    hog, mouse = (book.share(KEY, now, left, by_name(name)) for name in ("hog", "mouse"))

    assert hog is not None
    assert mouse is not None
    assert (hog.burn_share, mouse.burn_share) == (0.9, 0.1)
    assert alone(hog).burn_mean == pytest.approx(9 / 60, rel=0.3)
    assert alone(mouse).burn_mean == pytest.approx(1 / 60, rel=0.5)
    assert alone(mouse).burn_mean < alone(hog).burn_mean < 1.2 * whole.burn_mean
    assert alone(mouse).p_exhaustion <= alone(hog).p_exhaustion


@pytest.mark.parametrize("model", sorted(MODELS))
@pytest.mark.parametrize("kind", ["fixed", "sliding", "bucket", "concurrency"])
def test_every_kind_of_window_answers_for_shares(model: str, kind: WindowKind) -> None:
    book = opened(model, kind)
    now = busy(book)
    said = book.share(
        KEY, now, Standing(50, START + HOUR if kind == "fixed" else None), by_name("hog")
    )

    own = alone(said)
    assert own.tte_p99 <= own.tte_p90 <= own.tte_p50


def test_nobody_is_told_of_a_share_that_was_not_seen() -> None:
    book = opened()

    assert book.share(KEY, busy(book), Standing(700, START + HOUR), by_name("nobody")) is None


def test_shares_by_several_names_are_told_apart() -> None:
    book = opened()
    now = busy(book)
    left = Standing(700, START + HOUR)

    assert book.share(KEY, now, left, ("hog", None, "repo:b")) is None
    both = book.share(KEY, now, left, (None, "i", None))
    assert both is not None
    assert both.burn_share == 1.0


def test_a_refusal_does_not_look_like_peace() -> None:
    held, quiet = opened(), opened()
    for book in (held, quiet):
        busy(book)
    for minute in range(30, 45):
        held.refused(KEY, START + minute * MINUTE, HOG)
        for book in (held, quiet):
            book.observe(KEY, START + minute * MINUTE + SECOND, 1, MOUSE)
    left, now = Standing(700, START + HOUR), START + 45 * MINUTE
    told = [book.share(KEY, now, left, by_name("hog")) for book in (held, quiet)]

    assert alone(told[0]).burn_mean > 1.5 * alone(told[1]).burn_mean


def test_a_pool_that_ran_dry_does_not_look_like_peace() -> None:
    book = opened(limit=300)
    busy(book, 30)
    before = book.share(KEY, START + 30 * MINUTE, Standing(0, START + HOUR), by_name("hog"))
    book.window(KEY, START + HOUR, 0, START + 2 * HOUR)
    after = book.share(KEY, START + HOUR, Standing(300, START + 2 * HOUR), by_name("hog"))

    assert alone(after).burn_mean == pytest.approx(alone(before).burn_mean, rel=0.2)


def test_a_model_that_fails_for_a_share_leaves_the_pools_own_alone() -> None:
    class Broken:
        model_id, model_version = "broken", "1"

        def build(self, limit: float, window_seconds: float | None) -> Any:
            raise RuntimeError("broken")

    book = opened()
    now = busy(book)
    book._factory = Broken()
    said = book.share(KEY, now, Standing(700, START + HOUR), by_name("hog"))

    assert said is not None
    assert said.alone is None
    assert not book.failed


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["count", "refused", "shut", "opened"]),
            st.sampled_from([0, SECOND, MINUTE, 10 * MINUTE, 9 * HOUR, -MINUTE]),
            st.integers(-5, 10),
            st.integers(0, 3 * MOST_PARTIES),
        ),
        max_size=60,
    )
)
def test_slices_stay_few_and_in_order_and_lose_nothing_but_the_old(
    steps: list[tuple[str, int, int, int]],
) -> None:
    slices, now = Slices(HOUR), START
    for what, ahead, units, who in steps:
        now += ahead
        if what == "count":
            slices.count(now, units, (f"a{who}", "i", "s"))
        elif what == "refused":
            slices.refused(now, (f"a{who}", "i", "s"))
        else:
            getattr(slices, what)(now)
    found = slices.until(now)

    assert len(found) <= KEPT + 1
    assert all(len(one.counted) <= MOST_PARTIES + 1 for one in found)
    assert all(one.begin <= one.end for one in found)
    assert all(one.end <= later.begin for one, later in pairwise(found))
