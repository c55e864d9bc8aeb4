"""What the engine notices without being asked: risk, resets, the state of the system."""

import pytest

from ratelord_core.events.payloads import (
    ForecastComputed,
    ResetObserved,
    SystemStatusChanged,
    ThrottleAdvised,
)
from ratelord_core.model.instant import HOUR, SECOND
from ratelord_core.testing.table import Table

JOBS = "pools: [{id: local/jobs, limit: 100, window: {kind: fixed, every: 1h}}]"


def use(table: Table, units: int, times: int) -> None:
    for _ in range(times):
        table.report(table.ask(expected_cost=units).intent_id)
        table.pass_time(1)


def median(table: Table, pool: str = "local/jobs") -> float | None:
    return table.engine.reader.forecasts(table.now, pool)[0].tte_p50_seconds


def test_the_median_time_to_exhaustion_falls_as_held_and_used_units_grow() -> None:
    table = Table(JOBS)
    medians = []
    for _ in range(6):
        use(table, 10, 1)
        found = median(table)
        medians.append(float("inf") if found is None else found)
    assert medians == sorted(medians, reverse=True)
    assert medians[-1] < 120
    held = Table(JOBS)
    for _ in range(6):
        held.ask(expected_cost=10)
        held.pass_time(1)
    assert (median(held) or 0) <= medians[-1]


def test_at_a_reset_time_to_exhaustion_returns_to_beyond_the_reset() -> None:
    table = Table(JOBS.replace("1h", "60s"))
    use(table, 9, 10)
    assert median(table) is not None
    for _ in range(300):
        table.pass_time(1)
    assert median(table) is None
    assert table.engine.reader.pool("local/jobs", table.now).risk_level == "ok"


def test_the_end_of_a_window_is_written_down_once_also_after_a_replay() -> None:
    table = Table(JOBS.replace("1h", "60s"))
    table.report(table.ask(expected_cost=7).intent_id)
    start = table.now
    table.pass_time(61)
    table.pass_time(1)
    (reset,) = table.events(ResetObserved)
    assert (reset.used, reset.reset_at) == (7, start + 60 * SECOND)
    assert reset.next_reset_at == start + 120 * SECOND
    assert table.replayed().ended == {}


def test_a_reset_is_known_before_the_first_decision_after_it() -> None:
    table = Table(JOBS.replace("1h", "60s"))
    use(table, 10, 9)
    table.clock.advance(60 * SECOND)
    decision = table.ask()
    kinds = [record.event_type for record in table.records()]
    assert kinds[-3:] == ["reset_observed", "intent_submitted", "intent_decided"]
    assert decision.risk is not None
    assert decision.holds[0].remaining == 99


def test_forecasts_are_written_down_on_material_change_only() -> None:
    table = Table(JOBS)
    for _ in range(30):
        table.pass_time(1)
    assert table.events(ForecastComputed) == []
    use(table, 10, 5)
    written = len(table.events(ForecastComputed))
    assert 0 < written <= 6
    for _ in range(20):
        table.pass_time(0.1)
    assert len(table.events(ForecastComputed)) - written <= 2


def test_throttling_is_advised_once_for_each_worsening() -> None:
    table = Table(JOBS)
    use(table, 10, 9)
    advised = table.events(ThrottleAdvised)
    levels = [advice.risk_level for advice in advised]
    assert levels in (["warn", "critical"], ["critical"])
    last = advised[-1]
    assert (last.kind, last.target) == ("pool", "local/jobs")
    assert last.until is not None
    assert "probability" in last.rationale
    for _ in range(5):
        table.pass_time(1)
    assert len(table.events(ThrottleAdvised)) == len(advised)


@pytest.mark.parametrize(
    ("window", "ahead"),
    [
        ("{kind: fixed, every: 1h}", "before its reset in 60 min with"),
        ("{kind: sliding, every: 1h}", "within 60 min with"),
        ("{kind: bucket, every: 60s}", "within 60 s with"),
        ("{kind: concurrency}", "before work that starts now ends with"),
    ],
)
def test_advice_says_how_far_it_looks(window: str, ahead: str) -> None:
    table = Table(JOBS.replace("{kind: fixed, every: 1h}", window))
    for _ in range(12):
        table.ask(expected_cost=9, max_wait=0)
        table.pass_time(1)
    advised = [advice.rationale for advice in table.events(ThrottleAdvised)]
    assert advised
    assert f"it runs dry {ahead}" in advised[0]


def test_system_status_follows_the_worst_pool_and_each_change_is_an_event() -> None:
    table = Table(JOBS)
    use(table, 10, 9)
    assert table.engine.state.system_status == "critical"
    assert table.engine.state.risk_score >= 80
    changes = table.events(SystemStatusChanged)
    assert [change.before for change in changes[1:]] == [change.after for change in changes[:-1]]
    assert changes[-1].after == "critical"
    table.pass_time(2 * HOUR // SECOND)
    for _ in range(3):
        table.pass_time(HOUR // SECOND)
    assert table.engine.state.system_status == "ok"
    assert table.events(SystemStatusChanged)[-1].after == "ok"


def test_after_a_restart_nothing_is_announced_again_and_the_status_holds() -> None:
    table = Table(JOBS)
    use(table, 10, 9)
    before = len(table.events(ThrottleAdvised, SystemStatusChanged, ForecastComputed))
    table.restart()
    table.pass_time(0)
    assert table.engine.state.system_status == "critical"
    assert len(table.events(ThrottleAdvised, SystemStatusChanged, ForecastComputed)) == before


@pytest.mark.parametrize(
    "after",
    ["", "pools: [{id: local/jobs, limit: 0, window: {kind: fixed, every: 1h}}]"],
    ids=["a pool that is gone", "a closed pool that nobody uses"],
)
def test_the_system_is_not_judged_by(after: str) -> None:
    table = Table(JOBS)
    if not after:
        use(table, 10, 9)
    table.configure(after)
    table.pass_time(1)
    assert table.engine.state.system_status == "ok"
    assert table.engine.state.risk_score == 0
