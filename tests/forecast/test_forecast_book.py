"""The book keeps one model for each pool, shares answers, and survives a model that fails."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import pytest

from ratelord_core.forecast import ForecastBook, ForecastModel, RiskLevels, Standing
from ratelord_core.model.forecast import Forecast
from ratelord_core.model.instant import HOUR, MINUTE, SECOND, Micros
from ratelord_core.model.pool import Pool
from ratelord_core.model.window import Window
from ratelord_linear.plugin import LinearFactory

START: Micros = 1_767_225_600 * SECOND
RESET = START + MINUTE
POOL = Pool("gh", "core", limit=1000, window=Window(kind="fixed", every=MINUTE))
KEY = POOL.key


class CountingModel:
    """Says what it is told to say, and counts the questions: a stranger's model."""

    def __init__(self, says: Forecast | Exception) -> None:
        self.says = says
        self.asked = 0
        self.told: list[tuple[Any, ...]] = []

    def observe(self, t: float, units: float) -> None:
        if units == 666.0:
            raise RuntimeError("no such number")
        self.told.append(("observe", t, units))

    def refused(self, t: float) -> None:
        self.told.append(("refused", t))

    def window(
        self, t: float, limit: float, used: float, reset_at: float | None, kind: str
    ) -> None:
        self.told.append(("window", t, limit, used, reset_at, kind))

    def widen(self, t: float, units: float) -> None:
        self.told.append(("widen", t, units))

    def forecast(
        self,
        now: float,
        remaining: float,
        reset_at: float | None,
        extra_units: float = 0.0,
        staleness: float = 0.0,
    ) -> Forecast:
        self.asked += 1
        if isinstance(self.says, Exception):
            raise self.says
        return self.says

    def state(self) -> dict[str, Any]:
        return {"asked": self.asked}

    def restore(self, state: dict[str, Any]) -> None:
        self.asked = state["asked"]


class CountingFactory:
    model_id = "counting"
    model_version = "1"

    def __init__(self, says: Forecast | Exception | None = None) -> None:
        self.says = says or Forecast(p_exhaustion=0.3, burn_mean=1.0)
        self.built: list[tuple[float, float | None]] = []
        self.models: list[CountingModel] = []

    def build(self, limit: float, window_seconds: float | None) -> ForecastModel:
        self.built.append((limit, window_seconds))
        self.models.append(CountingModel(self.says))
        return self.models[-1]


def _book(factory: CountingFactory) -> ForecastBook:
    book = ForecastBook(factory)
    book.declare(POOL, START, 0, RESET)
    book._pages[KEY].trials.due = math.inf  # here only questions from outside are counted
    for model in factory.models:
        model.asked = 0
    return book


def test_amounts_and_times_reach_the_model_in_units_and_seconds() -> None:
    factory = CountingFactory()
    book = _book(factory)
    book.observe(KEY, START + 1_500_000, 7)
    book.refused(KEY, START + 1_600_000)
    book.widen(KEY, START + 2 * SECOND, 9)
    book.window(KEY, RESET, 3, RESET + MINUTE)
    zero = START / SECOND
    assert factory.built == [(1000.0, 60.0)]
    assert factory.models[0].told == [
        ("window", zero, 1000.0, 0.0, zero + 60.0, "fixed"),
        ("observe", zero + 1.5, 7.0),
        ("refused", zero + 1.6),
        ("widen", zero + 2.0, 9.0),
        ("window", zero + 60.0, 1000.0, 3.0, zero + 120.0, "fixed"),
    ]


def test_one_state_of_a_pool_is_asked_about_once() -> None:
    factory = CountingFactory()
    book = _book(factory)
    standing = Standing(900, RESET)
    first = book.outlook(KEY, START, standing)
    assert book.outlook(KEY, START + 100, Standing(900, RESET)) is first
    assert factory.models[0].asked == 1
    book.outlook(KEY, START, Standing(899, RESET))
    book.outlook(KEY, START + MINUTE // 2, Standing(899, RESET))
    book.observe(KEY, START + MINUTE // 2, 1)
    book.outlook(KEY, START + MINUTE // 2, Standing(899, RESET))
    assert factory.models[0].asked == 4


def test_an_answer_is_shared_for_a_256th_of_the_window_and_a_second_at_most() -> None:
    factory = CountingFactory()
    book = ForecastBook(factory)
    slow = msgspec.structs.replace(POOL, window=Window(kind="fixed", every=24 * HOUR))
    book.declare(slow, START, 0, None)
    for half_second in range(4):
        book.outlook(KEY, START + half_second * SECOND // 2, Standing(900))
    assert factory.models[0].asked == 2


def test_what_an_intent_would_do_is_asked_each_time() -> None:
    factory = CountingFactory()
    book = _book(factory)
    book.with_intent(KEY, START, Standing(900, RESET), 5)
    book.with_intent(KEY, START, Standing(900, RESET), 5)
    assert factory.models[0].asked == 2


def test_an_intent_never_makes_the_outlook_better() -> None:
    book = ForecastBook(LinearFactory())
    book.declare(POOL, START, 0, RESET)
    for second in range(20):
        book.observe(KEY, START + second * SECOND, 10)
    now, standing = START + 20 * SECOND, Standing(800, RESET)
    before = book.outlook(KEY, now, standing)
    after = book.with_intent(KEY, now, standing, 300)
    assert after.tte_p99 < before.tte_p99
    assert after.p_exhaustion > before.p_exhaustion


def test_a_model_that_raises_makes_the_risk_unknown_and_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    factory = CountingFactory()
    book = _book(factory)
    factory.models[0].says = ZeroDivisionError("by zero")
    standing = Standing(900, RESET)
    said = book.outlook(KEY, START, standing)
    assert book.level(KEY, said, standing) == "unknown"
    assert (said.p_exhaustion, said.tte_p50, said.tte_p99) == (1.0, 0.0, 0.0), "the safe side"
    assert "counting" in str(book.failed[KEY])
    assert "gh/core" in str(book.failed[KEY])
    assert "ZeroDivisionError: by zero" in str(book.failed[KEY])
    assert caplog.messages == [str(failure) for failure in book.failed.values()]
    book.observe(KEY, START, 5)
    book.outlook(KEY, START + MINUTE, standing)
    assert factory.models[0].asked == 1
    assert len(caplog.messages) == 1


@pytest.mark.usefixtures("caplog")
def test_what_a_model_said_before_it_failed_is_not_said_again() -> None:
    factory = CountingFactory()
    book = _book(factory)
    standing = Standing(900, RESET)
    assert book.outlook(KEY, START, standing).p_exhaustion == 0.3
    assert book.rank(KEY, START, standing) == 0.3
    factory.models[0].says = ZeroDivisionError("by zero")
    book.with_intent(KEY, START, standing, 1)
    assert book.outlook(KEY, START, standing).p_exhaustion == 1.0
    assert book.rank(KEY, START, standing) == 1.0


@pytest.mark.usefixtures("caplog")
def test_a_model_that_failed_is_built_anew_and_taught_what_was_asked_for_of_late() -> None:
    factory = CountingFactory()
    book = _book(factory)
    standing = Standing(900, RESET)
    for second in range(40):
        book.observe(KEY, START + second * SECOND, 2)
    factory.models[0].says = ZeroDivisionError("by zero")
    book.outlook(KEY, START + 40 * SECOND, standing)
    book.observe(KEY, START + 41 * SECOND, 3)
    failed = book.failed[KEY]
    assert failed.since == START + 40 * SECOND

    book.revive(KEY, failed.again, 83, standing)

    assert not book.failed
    told = [units for what, *_, units in factory.models[1].told if what == "observe"]
    assert sum(told) == pytest.approx(83)
    assert factory.models[1].told[-1][0] == "window"
    assert book.outlook(KEY, failed.again, standing).p_exhaustion == 0.3
    assert book.level(KEY, book.outlook(KEY, failed.again, standing), standing) == "warn"
    assert KEY in book.state()


@pytest.mark.usefixtures("caplog")
def test_a_model_that_goes_on_failing_is_tried_ever_more_rarely() -> None:
    factory = CountingFactory()
    book = _book(factory)
    standing = Standing(900, RESET)
    factory.models[0].says = factory.says = ZeroDivisionError("by zero")
    book.outlook(KEY, START, standing)
    pauses, now = [], START
    for _ in range(14):
        failed = book.failed[KEY]
        pauses.append(failed.again - now)
        now = failed.again
        book.revive(KEY, now, 0, standing)
        assert book.failed[KEY].since == START

    assert pauses[:4] == [2 * SECOND, 4 * SECOND, 8 * SECOND, 16 * SECOND]
    assert pauses[-1] == 60 * MINUTE


def test_a_model_that_fails_while_learning_fails_for_its_own_pool_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    book = _book(CountingFactory())
    other = msgspec.structs.replace(POOL, pool_id="search")
    book.declare(other, START, 0, RESET)
    book.observe(KEY, START, 666)
    standing = Standing(900, RESET)
    assert book.level(KEY, book.outlook(KEY, START, standing), standing) == "unknown"
    assert book.level(other.key, book.outlook(other.key, START, standing), standing) == "warn"
    assert other.key not in book.failed
    assert KEY not in book.state()
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    "nonsense",
    [
        Forecast(p_exhaustion=1.5),
        Forecast(p_exhaustion=math.nan),
        Forecast(tte_p50=1.0, tte_p90=2.0, tte_p99=0.0),
        Forecast(tte_p50=-1.0, tte_p90=-1.0, tte_p99=-1.0),
        Forecast(tte_p50=math.nan, tte_p90=1.0, tte_p99=1.0),
        Forecast(burn_mean=math.nan),
        Forecast(burn_mean=math.inf),
        Forecast(burn_mean=-1.0),
        Forecast(burn_variance=math.nan),
        Forecast(ttr=math.nan),
        Forecast(ttr=-1.0),
        Forecast(margin=math.nan),
    ],
)
@pytest.mark.usefixtures("caplog")
def test_a_model_that_answers_nonsense_has_failed(nonsense: Forecast) -> None:
    book = _book(CountingFactory(nonsense))
    standing = Standing(900, RESET)
    assert book.level(KEY, book.outlook(KEY, START, standing), standing) == "unknown"


def test_a_model_that_cannot_be_built_has_failed() -> None:
    class Broken(CountingFactory):
        def build(self, limit: float, window_seconds: float | None) -> ForecastModel:
            raise MemoryError("no room\nat all")

    book = _book(Broken())
    assert "failed for pool gh/core with MemoryError: no room at all; " in str(book.failed[KEY])


def test_a_model_that_is_not_there_has_failed() -> None:
    class Absent(CountingFactory):
        def build(self, limit: float, window_seconds: float | None) -> ForecastModel:
            return None  # type: ignore[return-value]  # that is the mistake

    book = _book(Absent())
    assert "build gave no model" in str(book.failed[KEY])


def test_an_interrupt_is_not_a_failure_of_the_model() -> None:
    class Interrupted(CountingFactory):
        def build(self, limit: float, window_seconds: float | None) -> ForecastModel:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _book(Interrupted())


@pytest.mark.parametrize(
    ("pool", "staleness", "level"),
    [
        (POOL, 0.0, "warn"),
        (POOL, 59.0, "warn"),
        (POOL, 61.0, "unknown"),
        (msgspec.structs.replace(POOL, limit=None), 0.0, "unknown"),
        (msgspec.structs.replace(POOL, window=Window(kind="unbounded")), 0.0, "ok"),
        (msgspec.structs.replace(POOL, window=Window(kind="fixed")), 3599.0, "warn"),
        (msgspec.structs.replace(POOL, window=Window(kind="fixed")), 3601.0, "unknown"),
    ],
)
def test_a_risk_is_unknown_without_a_limit_or_without_fresh_data(
    pool: Pool, staleness: float, level: str
) -> None:
    book = ForecastBook(CountingFactory())
    book.declare(pool, START, 0, RESET)
    standing = Standing(900, RESET, staleness)
    assert book.level(KEY, Forecast(p_exhaustion=0.3), standing) == level


def test_a_pool_that_nobody_uses_is_ok() -> None:
    book = ForecastBook(LinearFactory())
    book.declare(POOL, START, 0, RESET)
    standing = Standing(1000, RESET)
    said = book.outlook(KEY, START + SECOND, standing)
    assert book.level(KEY, said, standing) == "ok"
    assert not book.material_change(KEY, said, "ok", START + SECOND)


def test_news_is_told_once_and_counts_as_the_level_before() -> None:
    book = _book(CountingFactory())
    standing = Standing(900, RESET)
    critical = Forecast(p_exhaustion=0.85, burn_mean=1.0, tte_p50=10.0)
    assert book.level(KEY, Forecast(p_exhaustion=0.78), standing) == "warn"
    assert book.material_change(KEY, critical, "critical", START)
    assert not book.material_change(KEY, critical, "critical", START + 5 * SECOND)
    assert book.level(KEY, Forecast(p_exhaustion=0.78), standing) == "critical"


def test_thresholds_can_change_while_the_book_is_open() -> None:
    book = _book(CountingFactory())
    book.levels = RiskLevels(warn=0.4)
    assert book.level(KEY, Forecast(p_exhaustion=0.3), Standing(900, RESET)) == "ok"


def test_a_new_limit_keeps_what_was_learnt_and_a_new_window_does_not() -> None:
    factory = CountingFactory()
    book = _book(factory)
    book.declare(msgspec.structs.replace(POOL, limit=500), START, 10, RESET)
    assert len(factory.models) == 1
    assert factory.models[0].told[-1] == (
        *("window", START / SECOND, 500.0, 10.0, RESET / SECOND, "fixed"),
    )
    hourly = msgspec.structs.replace(POOL, window=Window(kind="fixed", every=HOUR))
    book.declare(hourly, START, 10, RESET)
    assert factory.built[-1] == (1000.0, 3600.0)


@pytest.mark.parametrize(
    ("window", "seconds"),
    [
        (Window(kind="calendar", unit="day"), 86400.0),
        (Window(kind="calendar", unit="month"), 30 * 86400.0),
        (Window(kind="bucket", every=MINUTE, burst=9), 60.0),
        (Window(kind="fixed"), None),
        (Window(kind="concurrency"), 60.0),
    ],
)
def test_a_model_thinks_in_the_length_of_its_window(window: Window, seconds: float | None) -> None:
    factory = CountingFactory()
    book = ForecastBook(factory)
    book.declare(msgspec.structs.replace(POOL, window=window), START, 0, None)
    assert factory.built == [(1000.0, seconds)]


def test_a_book_goes_on_from_its_state_as_if_nothing_had_happened() -> None:
    book, again = ForecastBook(LinearFactory()), ForecastBook(LinearFactory())
    for one in (book, again):
        one.declare(POOL, START, 0, RESET)
    for second in range(20):
        book.observe(KEY, START + second * SECOND, 30)
    again.restore(json.loads(json.dumps(book.state())))
    assert again.state() == book.state()
    now, standing = START + 20 * SECOND, Standing(400, RESET)
    assert again.outlook(KEY, now, standing) == book.outlook(KEY, now, standing)


def test_what_another_model_remembered_is_left_aside() -> None:
    book = ForecastBook(LinearFactory())
    book.declare(POOL, START, 0, RESET)
    before = book.state()
    book.restore({KEY: {"model": "other", "version": "1", "memory": {"x": 1}}})
    assert book.state() == before


def test_a_pool_that_was_never_declared_has_no_forecast_yet() -> None:
    book = ForecastBook(LinearFactory())
    book.observe("new/pool", START, 5)
    said = book.outlook("new/pool", START, Standing(0))
    assert said.p_exhaustion == 0.0
    assert book.level("new/pool", said, Standing(0)) == "unknown"


def test_a_rank_may_be_a_256th_of_the_limit_old() -> None:
    factory = CountingFactory()
    book = _book(factory)
    for step, available in enumerate((500, 499, 498, 497)):
        book.observe(KEY, START + step, 1)
        assert book.rank(KEY, START + step, Standing(available, RESET)) == 0.3
    assert factory.models[0].asked == 1
    book.rank(KEY, START + 4, Standing(496, RESET))
    assert factory.models[0].asked == 2


@pytest.mark.parametrize(
    ("later", "standing"),
    [
        (SECOND, Standing(500, RESET)),
        (0, Standing(504, RESET)),
        (0, Standing(500, RESET + MINUTE)),
        (0, Standing(500, RESET, staleness=1.0)),
    ],
    ids=["another second", "more is left", "another reset", "older data"],
)
def test_a_rank_is_found_anew_once_the_pool_moved(later: Micros, standing: Standing) -> None:
    factory = CountingFactory()
    book = _book(factory)
    book.rank(KEY, START, Standing(500, RESET))
    book.rank(KEY, START + later, standing)
    assert factory.models[0].asked == 2


def test_a_rank_is_found_anew_in_a_new_window_and_after_drift() -> None:
    factory = CountingFactory()
    book = _book(factory)
    book.rank(KEY, START, Standing(500, RESET))
    book.widen(KEY, START, 50)
    book.rank(KEY, START, Standing(500, RESET))
    book.window(KEY, START, 500, RESET)
    book.rank(KEY, START, Standing(500, RESET))
    assert factory.models[0].asked == 3


CALM = Forecast(p_exhaustion=0.001, burn_mean=1.0, ttr=60.0)


def test_where_there_is_no_danger_an_answer_serves_a_moment() -> None:
    factory = CountingFactory(CALM)
    book = _book(factory)

    book.with_intent(KEY, START, Standing(10_000, RESET), 1)
    soon = book.with_intent(KEY, START + SECOND // 20, Standing(9_995, RESET), 1)

    assert factory.models[0].asked == 1
    assert soon.p_exhaustion == CALM.p_exhaustion
    assert soon.ttr == pytest.approx(59.95)


@pytest.mark.parametrize(
    ("later", "standing", "units"),
    [
        (SECOND // 10, Standing(10_000, RESET), 1),
        (1, Standing(10_000, RESET), 20),
        (1, Standing(9_000, RESET), 1),
        (1, Standing(10_000, RESET + 1), 1),
        (1, Standing(10_000, RESET, 3.0), 1),
    ],
)
def test_what_may_be_less_calm_is_asked_anew(later: Micros, standing: Standing, units: int) -> None:
    factory = CountingFactory(CALM)
    book = _book(factory)

    book.with_intent(KEY, START, Standing(10_000, RESET), 1)
    book.with_intent(KEY, START + later, standing, units)

    assert factory.models[0].asked == 2


def test_calm_ends_with_a_new_window_and_with_drift() -> None:
    factory = CountingFactory(CALM)
    book = _book(factory)
    for change in (
        lambda: book.widen(KEY, START, 5),
        lambda: book.window(KEY, START, 0, RESET),
    ):
        book.with_intent(KEY, START, Standing(10_000, RESET), 1)
        change()
    book.with_intent(KEY, START, Standing(10_000, RESET), 1)

    assert factory.models[0].asked == 3
