"""More work than slots: somebody waits, but nothing runs dry and nothing is shed."""

from __future__ import annotations

from ratelord_core.model.instant import SECOND
from ratelord_core.testing.table import Table

SLOTS = "  - {id: local/jobs, limit: 4, window: concurrency}\n"
CALLS = "  - {id: local/calls, limit: 60, window: {kind: fixed, every: 60s}}\n"


def _crowded(policy: str) -> Table:
    """A table whose four slots have been taken for ten minutes, each time by who comes next."""
    table = Table("pools:\n" + policy)
    working = [table.ask(max_wait=0).intent_id for _ in range(4)]
    for _ in range(60):
        table.pass_time(10)
        assert not table.ask(max_wait=0).allowed
        table.report(working.pop(0))
        working.append(table.ask(max_wait=0).intent_id)
    return table


def test_a_full_house_is_a_warning_and_the_system_is_not_critical() -> None:
    table = _crowded(SLOTS)
    (said,) = table.engine.reader.forecasts(table.now, "local/jobs")

    assert said.p_exhaustion == 1.0, "whoever comes now finds no slot"
    assert said.risk_level == "warn"
    assert table.engine.state.system_status == "warning"


def test_background_work_waits_for_a_slot_like_everybody_else() -> None:
    table = _crowded(SLOTS)

    impatient = table.ask(urgency="background", max_wait=0)
    assert impatient.reason_code != "risk_too_high"
    patient = table.ask(urgency="background", max_wait=3600 * SECOND)
    assert patient.allowed
    assert patient.start_at > table.now


def test_a_full_house_does_not_hide_another_pool_that_runs_dry() -> None:
    table = Table("pools:\n" + SLOTS + CALLS)
    for _ in range(50):
        table.report(table.ask(max_wait=0).intent_id)
        table.pass_time(0.2)
    for _ in range(4):
        assert table.ask(max_wait=0).allowed

    shed = table.ask(urgency="background", max_wait=60 * SECOND)
    assert shed.reason_code == "risk_too_high"
    assert "local/calls runs dry" in shed.reason
