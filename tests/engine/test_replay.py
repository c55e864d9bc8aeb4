"""The log is the truth: whatever happens, a replay arrives at the same state."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from engine_machine import EngineMachine
from hypothesis import HealthCheck, settings

from ratelord_core.events.codec import open_record
from ratelord_core.events.payloads import IntentDecided
from ratelord_core.forecast import ForecastBook, ForecastModel
from ratelord_core.model.forecast import Forecast
from ratelord_core.model.instant import SECOND
from ratelord_core.testing.table import Table

POOL = "pools: [{id: local/jobs, limit: 3, window: {kind: fixed, every: 60s}}]"

TestReplay = EngineMachine.TestCase
TestReplay.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


class Listening:
    """A forecast model that writes down of which refusals it heard."""

    model_id = "listening"
    model_version = "1"

    def __init__(self) -> None:
        self.heard: list[float] = []

    def build(self, limit: float, window_seconds: float | None) -> ForecastModel:
        """A model of one pool."""
        return cast("ForecastModel", _Ear(self.heard))


class _Ear:
    def __init__(self, heard: list[float]) -> None:
        self.refused = heard.append

    def forecast(self, *_: object, **__: object) -> Forecast:
        """Nothing will happen."""
        return Forecast()

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


def test_a_forecast_hears_of_whoever_was_turned_away_live_and_in_a_replay() -> None:
    table = Table(POOL)
    live, again = Listening(), Listening()
    table.engine.state.book = ForecastBook(live)
    table.configure(POOL)
    assert table.ask(expected_cost=2).allowed
    assert not table.ask(expected_cost=2, max_wait=0).allowed
    state = table.replayed()
    assert live.heard == [table.now / SECOND]

    state.book = ForecastBook(again)
    for record in table.records():
        event = open_record(record)
        if isinstance(event.payload, IntentDecided) and not event.payload.holds:
            state.replay(event)
    assert again.heard == live.heard
