"""Prediction: forecasts follow use, resets and surprises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., Any]
Until = Callable[..., Any]

SHORT = """
providers:
  mock:
    - {id: mock, poll_interval: 200ms, pools: {default: {limit: 60, window: {kind: fixed, every: 8s}}}}
"""
WATCHED = """
providers:
  mock:
    - {id: mock, poll_interval: 300ms, pools: {default: {limit: 1000, used: 0, window: {kind: fixed, every: 1h}}}}
"""


def _forecast(desk: Any) -> dict[str, Any]:
    found = desk.get("/v1/forecasts?pool=mock/default")
    return dict((found["items"] if isinstance(found, dict) else found)[0])


@pytest.mark.promise("D-09")
def test_use_makes_forecasts(start: Start, until: Until) -> None:
    desk = start()
    for _ in range(60):
        desk.ask()

    seen = until(lambda: desk.events("forecast_computed"))

    assert seen[-1]["payload"]["pool"] == "mock/default"
    assert seen[-1]["payload"]["model_id"]


@pytest.mark.promise("P-01")
def test_the_time_to_exhaustion_falls_as_units_are_held(start: Start) -> None:
    desk = start()
    seen = []
    for _ in range(8):
        for _ in range(10):
            desk.ask()
        seen.append(_forecast(desk)["tte_p50_seconds"])

    known = [time for time in seen if time is not None]
    assert len(known) >= 3
    assert known[-1] < known[0]


@pytest.mark.promise("P-02")
def test_after_a_reset_exhaustion_is_beyond_the_next(start: Start, until: Until) -> None:
    desk = start(SHORT)

    def hurry() -> float | None:
        for _ in range(5):
            desk.ask(max_wait_seconds=0)
        return _forecast(desk)["tte_p50_seconds"]

    assert until(hurry) > 0
    ends = _forecast(desk)["ttr_seconds"]
    until(lambda: desk.events("reset_observed"), seconds=ends + 60)

    until(lambda: _forecast(desk)["tte_p50_seconds"] is None)


@pytest.mark.promise("P-03")
def test_hidden_spending_is_drift_and_is_adopted(start: Start, until: Until) -> None:
    desk = start(WATCHED)
    until(lambda: desk.events("provider_poll_observed"))

    desk.inject(400)

    drift = until(lambda: desk.events("drift_detected"))
    assert drift[0]["payload"]["observed"] == 400
    assert desk.pool()["used"] == 400


@pytest.mark.promise("P-04")
def test_repeated_drift_tightens_the_cautious_bound(start: Start, until: Until) -> None:
    desk = start(WATCHED)
    until(lambda: desk.events("provider_poll_observed"))
    spread = []
    for surprise, usage in enumerate((150, 330, 560, 800), start=1):
        desk.inject(usage)
        until(lambda wanted=surprise: desk.events("drift_detected")[wanted - 1 :])
        forecast = _forecast(desk)
        if forecast["tte_p50_seconds"]:
            spread.append(forecast["tte_p99_seconds"] / forecast["tte_p50_seconds"])

    assert len(spread) >= 2
    assert spread[-1] < 1
    assert spread[-1] <= spread[0]
