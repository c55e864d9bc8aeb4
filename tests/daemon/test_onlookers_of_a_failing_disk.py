"""Whoever looks on while a disk fails goes on looking when it is well again: nothing that was begun
before the failure is left with the state that was thrown away."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ratelord_core.testing.desk import Desk, desks

Until = Callable[..., Any]
HERE = Path(__file__).with_name("failing_disk")
POLICY = """
providers:
  mock: [{id: mock, poll_interval: 1h, pools: {default: {limit: 1000, window: {kind: fixed, every: 1h}}}}]
policies:
  - id: house
    rules: [{name: watched, condition: "intent.workload_id == 'scan'", action: warn, params: {message: seen}}]
"""
SHADOW = POLICY.replace("action: warn, params: {message: seen}", "action: deny")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A daemon that many look at, on a disk that fails when the file ``fault`` says so."""
    (tmp_path / "shadow.yaml").write_text(SHADOW)
    environment = {
        "PYTHONPATH": str(HERE),
        "FAILING_DISK": str(tmp_path / "fault"),
        "RATELORD_TRACE_POLICY": "1",
        "RATELORD_SHADOW_POLICY": str(tmp_path / "shadow.yaml"),
    }
    with desks(tmp_path, POLICY) as begin:
        yield begin(environment=environment)


def decided(lines: Iterator[str]) -> str:
    """The intent of the next decision on a stream."""
    data = next(line for line in lines if line.startswith("data: "))
    return str(json.loads(data[6:])["correlation"]["correlation_id"])


def approvals(desk: Desk) -> float:
    """What the metrics count."""
    page = httpx2.get(f"{desk.daemon.url}/metrics", timeout=60).text
    lines = (line for line in page.splitlines() if line.startswith("ratelord_intent_total{"))
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def test_streams_traces_shadows_and_metrics_go_on_after_the_disk_is_well_again(
    desk: Desk, until: Until
) -> None:
    until(lambda: desk.get("/v1/policy/shadow")["state"] == "on", 120)
    follow = "/v1/events?stream=true&after=0&type=intent_decided"
    with httpx2.stream("GET", desk.daemon.url + follow, timeout=60) as stream:
        lines = stream.iter_lines()
        first = desk.ask()["intent_id"]
        assert decided(lines) == first
        until(lambda: first in differed(desk), 120)
        (desk.daemon.folder / "fault").write_text("fsync")
        assert desk.try_asking().status_code == 503
        (desk.daemon.folder / "fault").unlink()
        until(lambda: desk.get("/v1/health")["status"] == "ok", 120)
        before = approvals(desk)

        second = desk.ask()["intent_id"]

        assert decided(lines) == second, "the stream tells what came next, and nothing twice"
    assert f"{first} rule house/watched" in desk.daemon.log
    assert f"{second} rule house/watched" in desk.daemon.log
    assert approvals(desk) == before + 1
    until(lambda: second in differed(desk), 120)


def differed(desk: Desk) -> set[str]:
    """The intents that the shadow would have answered otherwise."""
    events = desk.events("shadow_differed")
    return {event["correlation"]["correlation_id"] for event in events}
