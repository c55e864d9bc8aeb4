"""Numbers that cannot be, sent to a real daemon: it decides on, and is only less sure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ratelord_core.testing.desk import Desk, desks

POLICY = """
providers:
  mock:
    - id: mock
      poll_interval: 1h
      pools: {default: {limit: 1000, window: {kind: fixed, every: 1h}}}
pools: [{id: local/none, limit: 0, window: {kind: fixed, every: 1h}, default: false}]
workloads: {nothing: {consumes: {local/none: 1}}}
"""
NONSENSE = """
from ratelord_core import hookimpl
from ratelord_core.model.forecast import Forecast

class Nonsense:
    def forecast(self, now, remaining, reset_at, extra_units=0.0, staleness=0.0):
        return Forecast(p_exhaustion=float("nan"))
    def state(self):
        return {}
    def __getattr__(self, name):
        return lambda *told: None

class Factory:
    model_id, model_version = "nonsense", "1"
    def build(self, limit, window_seconds):
        return Nonsense()

@hookimpl
def ratelord_register_forecast_models():
    return [Factory()]
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A daemon that has been asked for a while."""
    with desks(tmp_path_factory.mktemp("numbers"), POLICY) as begin:
        busy = begin()
        for _ in range(40):
            said = busy.ask()
            busy.post(f"/v1/intents/{said['intent_id']}/report", {"actual_cost": 2})
        yield busy


def _observe(desk: Desk, ago: float = 0.0, **numbers: Any) -> None:
    """Tell what the provider's pool is said to stand at; it may be refused, not break anything."""
    seen = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=ago)
    body = {"provider_id": "mock", "pool_id": "default", "ts_event": seen.isoformat(), **numbers}
    assert desk.post("/v1/observations", body).status_code in {200, 400, 422}


def _outlook(desk: Desk) -> dict[str, Any]:
    """The pool's forecast, which must be sane; deciding goes on."""
    assert desk.try_asking(max_wait_seconds=0).status_code == 200
    assert desk.try_asking(workload_id="nothing", max_wait_seconds=0).status_code == 200
    for said in desk.get("/v1/forecasts")["items"]:
        assert 0.0 <= said["p_exhaustion"] <= 1.0
        bounds = [said[f"tte_{name}_seconds"] for name in ("p99", "p90", "p50")]
        known = [bound for bound in bounds if bound is not None]
        assert known == sorted(known)
        assert bounds[: len(known)] == known, "what lies beyond the reset comes last"
    assert "Traceback" not in desk.daemon.log
    return dict(desk.pool()["forecast"])


def _iso(seconds: float) -> str:
    return (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)).isoformat()


def test_what_was_seen_before_is_older_than_what_is_known_and_comes_twice(desk: Desk) -> None:
    _observe(desk, used=200)
    before = desk.pool()["used"]
    for ago in (60, 3600, 60, 60):
        _observe(desk, ago=ago, used=100)

    _outlook(desk)
    assert desk.pool()["used"] >= before, "nothing is given back by old news"


def test_no_amount_and_every_amount(desk: Desk) -> None:
    for cost in (0, 1e-9, 1e15, 1e308, -1):
        answer = desk.try_asking(expected_cost=cost, max_wait_seconds=0)
        assert answer.status_code in {200, 400, 422}, answer.text
        _outlook(desk)
    for cost in (0, 10**12):
        said = desk.ask(max_wait_seconds=0)
        told = desk.post(f"/v1/intents/{said['intent_id']}/report", {"actual_cost": cost})
        assert told.status_code in {200, 400, 404, 422}, told.text
        _outlook(desk)


def test_a_pool_of_nothing_lets_nobody_through(desk: Desk) -> None:
    said = desk.ask(workload_id="nothing", max_wait_seconds=0)

    assert not said["allowed"]
    assert said["reason_code"] != "internal_error"


def test_a_window_that_is_over_and_one_that_never_ends(desk: Desk) -> None:
    for seconds in (-1, -86_400, 10 * 365 * 86_400):
        _observe(desk, reset_at=_iso(seconds))
        _outlook(desk)


def test_a_limit_below_what_is_used_leaves_nothing_and_no_doubt(desk: Desk) -> None:
    _observe(desk, limit=1000, used=500, reset_at=_iso(3600))
    _outlook(desk)
    _observe(desk, limit=100)
    said = _outlook(desk)

    assert said["p_exhaustion"] == 1.0
    assert not desk.ask(max_wait_seconds=0)["allowed"]
    _observe(desk, limit=0)
    assert _outlook(desk)["p_exhaustion"] == 1.0


def test_a_model_that_answers_nan_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "nonsense.py").write_text(NONSENSE, encoding="utf-8")
    info = tmp_path / "nonsense-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: nonsense\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[ratelord]\nnonsense = nonsense\n")
    policy = POLICY + "settings: {forecast_model: nonsense}\n"
    begin: Callable[..., Desk]
    with desks(tmp_path, policy) as begin:
        desk = begin(fresh=True, environment={"PYTHONPATH": str(tmp_path)})
        for urgency in ("high", "normal", "background"):
            said = desk.ask(urgency=urgency)
            assert not said["allowed"], "nobody knows the risk"
            assert said["reason_code"] == "forecast_stale"
            assert "forecast model nonsense" in said["reason"]
        assert desk.pool()["risk_level"] == "unknown"
        assert desk.pool()["held"] == 0
        assert "nonsense" in desk.daemon.log
