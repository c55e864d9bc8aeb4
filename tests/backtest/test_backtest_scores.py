"""The backtest: traces, imposed pools, origins, and scores that favour none."""

from __future__ import annotations

import gzip
import json
import math
import random
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from ratelord_core.backtest import ALL, Comparison, PoolSpec, Trace, diagram, read_trace
from ratelord_core.backtest.course import course
from ratelord_core.backtest.imposed import impose
from ratelord_core.errors import InvalidRequest, PluginError
from ratelord_core.forecast import ForecastModelFactory
from ratelord_core.model.forecast import Forecast
from ratelord_linear.plugin import LinearFactory

DATA = Path(__file__).parents[1] / "data" / "llm_requests.csv.gz"


class Oracle:
    """A model that was told the future: what it says of a window's end always comes true."""

    model_id, model_version = "oracle", "1"

    def __init__(self, trace: Trace, pool: PoolSpec) -> None:
        self._laid = impose(trace, pool)
        self.seen: list[tuple[str, float]] = []

    def build(self, limit: float, window_seconds: float | None) -> Any:
        return self

    def observe(self, t: float, units: float) -> None:
        self.seen.append(("observe", t))

    def refused(self, t: float) -> None: ...

    def window(self, t: float, *_: Any) -> None:
        self.seen.append(("window", t))

    def widen(self, t: float, units: float) -> None: ...

    def forecast(self, now: float, remaining: float, reset_at: float | None, *_: Any) -> Forecast:
        assert reset_at is not None
        assert all(t <= now for _, t in self.seen), "a model sees the past only"
        count = sum(1 for what, _ in self.seen if what == "observe")
        lasts = self._laid.lasts(now, count)
        end = lasts if lasts < reset_at - now else math.inf
        return Forecast(end, end, end, 1.0 if end < math.inf else 0.0)

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None: ...


def _steady(seconds: int = 6000) -> Trace:
    chance = random.Random(3)
    times = sorted(chance.uniform(0, seconds) for _ in range(seconds))
    return Trace("steady", times, {"units": [1.0] * len(times)})


def _compare(factory: ForecastModelFactory, trace: Trace, pool: PoolSpec, **more: Any) -> Any:
    clock = iter(range(0, 10**12, 2000))
    models = {factory.model_id: factory, "linear": LinearFactory()}
    compared = Comparison(models, "linear", clock.__next__, wanted=300, **more)
    return {(each.pool, each.model): each for each in compared.on(trace, (pool,))}


def test_a_model_that_knows_the_future_makes_no_mistake() -> None:
    trace, pool = _steady(), PoolSpec(60.0)
    found = _compare(Oracle(trace, pool), trace, pool)[ALL, "oracle"]
    assert found.score.brier == 0.0
    assert found.score.calibration_error == 0.0
    assert found.score.pinball_percent == pytest.approx(0.0, abs=1e-9)
    assert found.score.coverage_p99 == 1.0
    assert found.skill_over_linear == 1.0
    assert (found.observe_us, found.forecast_us) == (2.0, 2.0)


class Nonsense(Oracle):
    """A model under design: it says what no forecast may say, or falls over."""

    model_id = "nonsense"

    def __init__(self, said: Forecast | Exception) -> None:
        self.seen = []
        self._said = said

    def forecast(self, *_: Any) -> Forecast:
        if isinstance(self._said, Exception):
            raise self._said
        return self._said


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (Forecast(p_exhaustion=float("nan")), "a probability outside 0 … 1"),
        (Forecast(1.0, 2.0, 3.0, 0.5), "bounds out of order"),
        (RuntimeError("fell\nover"), "RuntimeError: fell over; mend that plugin"),
    ],
)
def test_a_model_that_makes_no_sense_is_named_and_gets_no_score(
    said: Forecast | Exception, why: str
) -> None:
    with pytest.raises(PluginError, match=f"nonsense failed on pool units/60s.*steady.*{why}"):
        _compare(Nonsense(said), _steady(), PoolSpec(60.0))


def test_demand_of_nothing_but_zeros_is_called_so() -> None:
    still = Trace("still", [0.0, 9.0], {"units": [0.0, 0.0]})
    with pytest.raises(InvalidRequest, match=r"still has no units but zeros.*another --column"):
        impose(still, PoolSpec(60.0))


def test_a_model_held_against_itself_has_no_skill() -> None:
    found = _compare(LinearFactory(), _steady(), PoolSpec(60.0))[ALL, "linear"]
    assert found.skill_over_linear == 0.0
    assert 0.0 < found.score.brier < 0.25
    assert 0.8 < found.score.coverage_p90 <= 1.0
    assert found.perfect_calibration_error > 0.0


def test_the_same_seed_gives_the_same_verdict() -> None:
    one = _compare(LinearFactory(), _steady(), PoolSpec(60.0), seed=5)
    two = _compare(LinearFactory(), _steady(), PoolSpec(60.0), seed=5)
    other = _compare(LinearFactory(), _steady(), PoolSpec(60.0), seed=6)
    assert one == two != other


def test_usage_past_exhaustion_can_be_hidden() -> None:
    trace, pool = _steady(), PoolSpec(60.0)
    seen, blind = Oracle(trace, pool), Oracle(trace, pool)
    blind.forecast = lambda *_: Forecast()  # type: ignore[method-assign] # it counts what it sees
    _compare(seen, trace, pool)
    _compare(blind, trace, pool, blind=True)
    assert len(blind.seen) < len(seen.seen)


def test_the_automatic_capacity_is_exhausted_in_the_share_of_windows_asked_for() -> None:
    laid = impose(_steady(), PoolSpec(60.0, exhaust_share=0.3))
    totals = [0.0] * laid.windows
    for t, units in zip(laid.times, laid.units, strict=True):
        totals[laid.window_of(t)] += units
    assert sum(total >= laid.capacity for total in totals) / laid.windows == pytest.approx(
        0.3, abs=0.08
    )


def test_a_capacity_that_is_given_is_taken() -> None:
    assert impose(_steady(), PoolSpec(60.0, capacity=17.0)).capacity == 17.0


def test_polled_usage_comes_in_the_ticks_of_the_poll() -> None:
    laid = impose(_steady(), PoolSpec(60.0), poll=10.0)
    assert all(t % 10.0 == 0.0 for t in laid.times)
    assert len(laid.times) <= 601


def test_origins_leave_the_first_windows_to_learning_and_skip_empty_pools() -> None:
    laid = impose(_steady(), PoolSpec(60.0))
    found = course(laid, 300, random.Random(1)).origins
    assert found == sorted(found)
    assert all(laid.window_of(each.t) >= 0.3 * laid.windows for each in found)
    assert all(each.left > 0.0 for each in found)
    assert all(each.t < each.reset_at <= each.t + 60.0 for each in found)
    assert 150 < len(found) < 600


def test_too_short_a_trace_is_refused_with_what_to_do() -> None:
    with pytest.raises(InvalidRequest, match=r"4 whole windows of 60 s.*shorter --window"):
        impose(_steady(299), PoolSpec(60.0))


def test_a_trace_is_read_with_the_pools_that_lie_beside_it(tmp_path: Path) -> None:
    rows = "seconds_since_start,units,tokens_in,tokens_out\n0,1,5,2\n1.5,1,,3\n"
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(rows.encode()))
    (tmp_path / "t.json").write_text(json.dumps({"name": "told", "pools": [{"window_s": 5}]}))
    trace = read_trace(tmp_path / "t.csv.gz")
    assert (trace.name, trace.times, trace.pools) == ("told", [0.0, 1.5], (PoolSpec(5.0),))
    assert trace.column("tokens") == ([0.0, 1.5], [7.0, 3.0])


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("time,units\n0,1\n", "first column must be seconds_since_start"),
        ("seconds_since_start,units\n", "has no rows"),
        ("seconds_since_start,units\n2,1\n1,1\n", r":3: time 1 goes back"),
        ("seconds_since_start,units\n2,many\n", ":2: many is no amount"),
        ("seconds_since_start,units\n2,1,1\n", ":2: has 3 of 2 fields; give each row as many"),
        ("seconds_since_start,units\n2,1\n3,nan\n", ":3: nan is no amount"),
        ("seconds_since_start,units\n2,inf\n", ":2: inf is no amount"),
        ("seconds_since_start,units\n2,-1\n", ":2: -1 is no amount; amounts are from 0 to"),
        ("seconds_since_start,units\n2,1e300\n", ":2: 1e300 is no amount"),
        ("seconds_since_start,units\nnan,1\n", ":2: nan is no time; give seconds"),
        (b"\xff\xfe\x00", r"t\.csv: byte 0 is no UTF-8"),
        (
            gzip.compress(b"seconds_since_start,units\n" * 99, mtime=0)[:-9],
            r"t\.csv is no whole gzip",
        ),
        (b"\x1f\x8bnonsense", r"t\.csv is no whole gzip"),
    ],
)
def test_a_trace_that_cannot_be_read_is_named_with_its_line(
    tmp_path: Path, rows: str | bytes, said: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(rows.encode() if isinstance(rows, str) else rows)
    with pytest.raises(InvalidRequest, match=said):
        read_trace(path)


@pytest.mark.parametrize(
    "pool",
    [
        {"window_s": 0},
        {"window_s": -5},
        {"window_s": 5, "capacity": 0},
        {"window_s": 5, "exhaust_share": 1.5},
        {"window_s": 5, "phases": 0},
    ],
)
def test_a_pool_that_cannot_be_is_named_with_its_file(tmp_path: Path, pool: dict[str, Any]) -> None:
    (tmp_path / "t.csv").write_text("seconds_since_start,units\n0,1\n")
    (tmp_path / "t.json").write_text(json.dumps({"pools": [pool]}))
    with pytest.raises(InvalidRequest, match=r"t\.json: .*makes no sense"):
        read_trace(tmp_path / "t.csv")


def test_a_trace_of_too_many_windows_or_polls_is_refused_with_what_to_do() -> None:
    with pytest.raises(InvalidRequest, match="name a longer --window"):
        impose(Trace("far", [0.0, 1e12], {"units": [3.0, 3.0]}), PoolSpec(600.0))
    with pytest.raises(InvalidRequest, match="poll oftener"):
        impose(_steady(3000), PoolSpec(60.0), poll=1e9)


def test_a_column_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(InvalidRequest, match=r"no column 'cost'.*units, tokens_in, tokens_out"):
        read_trace(DATA).column("cost")


def test_diagrams_have_a_dot_for_every_bin_that_was_used() -> None:
    bins = [(0, 0.0, 0.0), (50, 0.15, 0.1), (5, 0.95, 1.0)]
    drawn = diagram.text(bins)
    assert "".join(drawn).count("●") == 1
    assert "◍" in drawn[0]
    picture = ET.fromstring(diagram.svg(bins))
    assert len(picture.findall("circle")) == 2


def test_a_page_stands_alone_and_escapes_names() -> None:
    verdicts = list(_compare(LinearFactory(), _steady(), PoolSpec(60.0)).values())
    page = diagram.page("Backtest", [("<b>", verdicts[:1])])
    assert "<h2>&lt;b&gt;" in page
    assert "src=" not in page
    assert "href=" not in page


def test_a_table_scrolls_by_itself_in_a_narrow_window() -> None:
    verdicts = list(_compare(LinearFactory(), _steady(), PoolSpec(60.0)).values())
    page = diagram.page("Backtest", [("steady", verdicts[:1])])
    assert "div { overflow-x: auto; }" in page
    assert 'role="region"' in page.split("<table>", maxsplit=1)[0]
    assert 'tabindex="0"><table>' in page
