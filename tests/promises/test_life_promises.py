"""A daemon's life: it starts from nothing, ends in good order, and survives an end that is not."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ratelord_core.testing.crowd import Crowd

Start = Callable[..., Any]


@pytest.mark.promise("D-01")
def test_a_daemon_started_in_an_empty_folder_makes_its_log_and_is_healthy(
    start: Start, tmp_path: Path
) -> None:
    desk = start(policy=None)

    assert (tmp_path / "ratelord.db").is_file()
    assert (tmp_path / "ratelord.db-wal").is_file()
    assert [event["payload"]["version"] for event in desk.events("system_started")]
    assert desk.get("/v1/health")["status"] == "ok"


@pytest.mark.promise("D-02")
def test_no_acknowledged_decision_is_lost_by_a_kill_under_load(start: Start) -> None:
    desk = start()
    with Crowd(desk.daemon.url) as crowd:
        crowd.wait_for(100)
        desk.daemon.kill()

    desk.daemon.start()

    assert set(crowd.acknowledged) <= desk.decided()
    assert desk.command("events", "verify", "--db", str(desk.daemon.db)).returncode == 0


@pytest.mark.promise("D-02")
def test_a_restart_after_a_kill_finds_everything_as_it_was(
    start: Start, steady: Callable[[Any], str]
) -> None:
    desk = start()
    desk.command("identity", "add", "pat:two")
    for number in range(5):
        desk.ask(agent_id=f"agent:{number}", expected_cost=3)
    reported = desk.ask()["intent_id"]
    assert desk.post(f"/v1/intents/{reported}/report", {"outcome": "success"}).is_success
    before = steady(desk)

    desk.daemon.kill()
    desk.daemon.start()

    assert steady(desk) == before


@pytest.mark.promise("D-03")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_busy_daemon_in_good_order(start: Start, how: signal.Signals) -> None:
    desk = start()
    with Crowd(desk.daemon.url) as crowd:
        crowd.wait_for(50)
        code = desk.daemon.interrupt() if how is signal.SIGINT else desk.daemon.stop()

    assert code == 0
    assert {problem["status"] for problem in crowd.refused} <= {503}
    desk.daemon.start()
    assert set(crowd.acknowledged) <= desk.decided()
    assert len(desk.events("system_stopped")) == 1
