"""Forecasts are a fold of the log: who replays it up to one says the same."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ratelord_core.events.codec import open_record
from ratelord_core.events.payloads import ForecastComputed
from ratelord_core.forecast.record import forecast_computed
from ratelord_core.testing.table import Table

POLICY = "pools: [{id: p/x, limit: 40, window: {kind: fixed, every: 60s}, shared_by: ['*']}]"
STEP = st.tuples(st.sampled_from(["ask", "report", "wait"]), st.integers(1, 9))


@settings(max_examples=50, deadline=None)
@given(st.lists(STEP, max_size=40))
def test_a_replay_reproduces_every_forecast(steps: list[tuple[str, int]]) -> None:
    desk, open_ones = Table(POLICY), list[str]()
    for what, size in steps:
        if what == "wait":
            desk.pass_time(float(size))
        elif what == "ask":
            answer = desk.ask(expected_cost=size, max_wait=0)
            open_ones += [answer.intent_id] if answer.allowed else []
        elif open_ones:
            desk.report(open_ones.pop(), costs={"p/x": float(size)})

    again: Any = desk._blank.state()
    for record in desk.records():
        event = open_record(record)
        if isinstance(event.payload, ForecastComputed):
            key, at = event.payload.pool, event.ts_event
            again.pass_time(at)
            figures = again.ledger.account(key, at).figures(at)
            said = again.outlook(key, figures, at)
            level = again.level(key, said, figures, at)

            assert forecast_computed(key, said, level) == event.payload
        again.replay(event)
