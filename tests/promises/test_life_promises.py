"""A daemon's life: it starts from nothing, ends in good order, and survives an end that is not."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import httpx2
import pytest

Start = Callable[..., Any]


class Crowd:
    """Threads that ask until they are told to stop, and remember every answer they were given."""

    def __init__(self, url: str, size: int = 4) -> None:
        self._url = url
        self._stop = threading.Event()
        self._answered = threading.Semaphore(0)
        self.acknowledged: list[str] = []
        self.statuses: set[int] = set()
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(size)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(20)

    def wait_for(self, answers: int) -> None:
        """Until so many answers have come."""
        for _ in range(answers):
            assert self._answered.acquire(timeout=20), f"answers stopped: {self.statuses}"

    def _ask(self, number: int) -> None:
        body = {
            "agent_id": f"agent:{number}",
            "identity_id": "pat:one",
            "workload_id": "scan",
            "scope_id": "repo:acme/api",
            "max_wait_seconds": 0,
        }
        with httpx2.Client(base_url=self._url, timeout=20) as client:
            while not self._stop.is_set():
                try:
                    answer = client.post("/v1/intent", json=body)
                except httpx2.TransportError:
                    return
                self.statuses.add(answer.status_code)
                if answer.status_code != 200:
                    return
                self.acknowledged.append(answer.json()["intent_id"])
                self._answered.release()


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

    decided = {event["correlation"]["correlation_id"] for event in desk.events("intent_decided")}
    assert set(crowd.acknowledged) <= decided
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
    assert crowd.statuses <= {200, 503}
    desk.daemon.start()
    decided = {event["correlation"]["correlation_id"] for event in desk.events("intent_decided")}
    assert set(crowd.acknowledged) <= decided
    assert len(desk.events("system_stopped")) == 1
