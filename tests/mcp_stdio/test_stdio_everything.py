"""What the door offers, over a pipe: plans, and news of what is followed, in either era."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_core.testing.desk import Desk

POLICY = """
pools:
  - {id: team/few, limit: 4, window: {kind: fixed, every: 1h}}
  - {id: team/rest, limit: 1, window: {kind: fixed, every: 1h}, shared_by: ["workload:other"]}
"""
FEW = "ratelord://pools/team/few"
MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    folder = tmp_path / "own"
    folder.mkdir()
    with DaemonProcess(folder, policy=POLICY) as daemon:
        yield Desk(daemon)


def test_a_plan_is_rehearsed_and_holds_nothing(spawn: Any, desk: Desk) -> None:
    host = spawn("--url", desk.daemon.url)
    host.greet()
    names = {"agent_id": "a", "identity_id": "pat:me", "scope_id": "global"}
    step = {"workload_id": "scan", "expected_cost": 3}

    plan = host.call("plan_intents", steps=[step, step], **names)["structuredContent"]

    assert not plan["fits"]
    assert (plan["order"], plan["misfits"]) == ([0], [1])
    assert desk.pool("team/few")["held"] == 0


def test_a_session_hears_that_a_pool_turned(spawn: Any, desk: Desk) -> None:
    host = spawn("--url", desk.daemon.url)
    host.greet()
    assert host.ask_for("resources/subscribe", {"uri": FEW})["result"] == {}

    desk.ask(workload_id="scan", expected_cost=4, max_wait_seconds=0)

    assert host.next() == {
        "jsonrpc": "2.0",
        "method": "notifications/resources/updated",
        "params": {"uri": FEW},
    }


def test_a_stream_hears_that_a_pool_turned_until_it_is_cancelled(spawn: Any, desk: Desk) -> None:
    host = spawn("--url", desk.daemon.url)
    wanted = {"resourceSubscriptions": [FEW, "ratelord://pools/team/none"]}
    host.send("subscriptions/listen", {"_meta": MODERN, "notifications": wanted}, id="news")
    accepted = host.next()

    desk.ask(workload_id="scan", expected_cost=4, max_wait_seconds=0)

    assert accepted["method"] == "notifications/subscriptions/acknowledged"
    assert accepted["params"]["notifications"] == {"resourceSubscriptions": [FEW]}
    told = host.next()
    assert (told["method"], told["params"]["uri"]) == ("notifications/resources/updated", FEW)
    host.send("notifications/cancelled", {"requestId": "news"})
    assert host.hang_up() == 0


def test_alerts_ride_on_answers(spawn: Any, desk: Desk) -> None:
    host = spawn("--url", desk.daemon.url)
    host.greet()
    host.ask(expected_cost=1, max_wait_seconds=0)
    desk.ask(workload_id="scan", expected_cost=3, max_wait_seconds=0)

    alerts: list[str] = []
    ends = time.monotonic() + 60
    while not alerts and time.monotonic() < ends:
        alerts = host.call("check_usage", agent_id="crawler-01")["structuredContent"]["alerts"]

    assert alerts == ["team/few turned critical (was ok)"]
