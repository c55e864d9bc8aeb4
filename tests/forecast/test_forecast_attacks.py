"""Every model behind an engine: whatever happens to a pool, deciding goes on, and sanely."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratelord_core import plugins
from ratelord_core.forecast import ForecastBook, Standing
from ratelord_core.model.forecast import Forecast
from ratelord_core.model.instant import HOUR, MINUTE, SECOND, Micros
from ratelord_core.model.pool import MAX_UNITS, Pool
from ratelord_core.model.window import Window, WindowKind

MODELS = plugins.load().named("ratelord_register_forecast_models", "model_id")
KINDS: tuple[WindowKind, ...] = (
    "fixed", "calendar", "sliding", "bucket", "concurrency", "unbounded",
)  # fmt: skip
START: Micros = 1_767_225_600 * SECOND
KEY = "p/x"

_AHEAD = st.sampled_from((0, 0, 1, SECOND, MINUTE, 90 * MINUTE, 400 * 24 * HOUR, -SECOND, -HOUR))
_UNITS = st.sampled_from((0, 1, 1, 7, 100, MAX_UNITS, -1, -100, -MAX_UNITS))
_LIMIT = st.sampled_from((None, 0, 1, 100, MAX_UNITS))
_STEP = st.tuples(
    st.sampled_from(("observe", "observe", "stood", "refused", "full", "window", "widen", "limit")),
    _AHEAD,
    _UNITS,
    _LIMIT,
)


def pool(kind: WindowKind, limit: int | None) -> Pool:
    endless = kind in {"concurrency", "unbounded"}
    if kind == "calendar":
        return Pool("p", "x", limit=limit, window=Window(kind, unit="hour"))
    return Pool("p", "x", limit=limit, window=Window(kind, every=None if endless else HOUR))


def attack(
    book: ForecastBook, kind: WindowKind, steps: list[tuple[str, int, int, int | None]]
) -> Micros:
    now = START
    for what, ahead, units, limit in steps:
        now += ahead
        reset_at = now - units if units < 0 else now + HOUR
        if what == "observe":
            book.observe(KEY, now, units, ("a", "i", "s"))
        elif what == "stood":
            book.stood(KEY, now, abs(units), abs(units), waits=units < 0)
        elif what in {"refused", "full"}:
            book.refused(KEY, now, ("a", "i", "s"), room=what == "refused")
        elif what == "window":
            book.window(KEY, now, abs(units), None if units == 0 else reset_at)
        elif what == "widen":
            book.widen(KEY, now, abs(units))
        else:
            book.declare(pool(kind, limit), now, abs(units), reset_at)
    return now


@pytest.mark.parametrize("model", sorted(MODELS))
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)
@given(
    kind=st.sampled_from(KINDS),
    steps=st.lists(_STEP, max_size=25),
    left=st.sampled_from((0, 1, 50, MAX_UNITS)),
    until=st.sampled_from((None, -HOUR, 0, 1, HOUR)),
)
def test_nothing_that_happens_to_a_pool_breaks_its_model(
    model: str,
    kind: WindowKind,
    steps: list[tuple[str, int, int, int | None]],
    left: int,
    until: int | None,
) -> None:
    book = ForecastBook(MODELS[model])
    book.declare(pool(kind, 100), START, 0, START + HOUR)
    now = attack(book, kind, steps)
    standing = Standing(left, None if until is None else now + until)
    asked = (
        book.outlook(KEY, now, standing),
        book.with_intent(KEY, now, standing, 1),
        book.with_intent(KEY, now, standing, MAX_UNITS),
    )
    share = book.share(KEY, now, standing, ("a", None, None))

    assert not book.failed
    for said in (
        *asked,
        *((share.alone,) if share is not None and share.alone is not None else ()),
    ):
        assert 0.0 <= said.p_exhaustion <= 1.0
        assert 0.0 <= said.tte_p99 <= said.tte_p90 <= said.tte_p50
    assert share is None or share.alone is not None
    book.restore(book.state())
    assert not book.failed


@pytest.mark.parametrize(
    "said",
    [
        Forecast(p_exhaustion=math.nan),
        Forecast(tte_p50=math.nan, tte_p90=1.0, tte_p99=1.0),
        Forecast(tte_p99=-1.0),
        Forecast(p_exhaustion=1.5),
    ],
)
def test_what_makes_no_sense_is_refused_and_named_and_is_no_safety(said: Forecast) -> None:
    class Nonsense:
        model_id, model_version = "nonsense", "1"

        def build(self, limit: float, window_seconds: float | None) -> object:
            model = MODELS["linear"].build(limit, window_seconds)
            model_class = type("Model", (type(model),), {"forecast": lambda *_: said})
            return model_class(limit, window_seconds)

    book = ForecastBook(Nonsense())  # type: ignore[arg-type]  # a class made at run time
    book.declare(pool("fixed", 100), START, 0, START + HOUR)
    standing = Standing(50, START + HOUR)
    answer = book.with_intent(KEY, START, standing, 1)

    assert "nonsense" in str(book.failed[KEY])
    assert book.level(KEY, answer, standing) == "unknown"
