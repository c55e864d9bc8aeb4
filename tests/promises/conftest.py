"""Real daemons for the promises: a process, a folder, a port of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ratelord_core.testing.desk import Desk, desks, patiently, run_command

POLICY = """
providers:
  mock:
    - {id: mock, poll_interval: 1h, pools: {default: {limit: 100, window: {kind: fixed, every: 1h}}}}
"""
"""One simulated provider with one pool that does not reset while a test runs."""


@pytest.fixture
def command() -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command line without a daemon."""
    return run_command


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    """Starts a daemon on the test's folder and waits until it decides; what still runs ends with
    the test."""
    with desks(tmp_path, POLICY) as begin:

        def ready(policy: str | None = POLICY, **options: Any) -> Desk:
            desk = begin(policy, **options)
            health = f"{desk.daemon.url}/v1/health/ready"
            patiently(lambda: httpx2.get(health, timeout=60).is_success)
            return desk

        yield ready


@pytest.fixture
def until() -> Callable[..., Any]:
    """Looks again until something is so, or too long."""
    return patiently


@pytest.fixture
def steady() -> Callable[[Desk], str]:
    """What a daemon's state is, without what merely passes with time, as text that can be compared."""

    def picture(desk: Desk) -> str:
        kept = (
            "provider_id",
            "pool_id",
            "unit",
            "limit",
            "used",
            "held",
            "scheduled",
            "window",
            "reset_at",
        )
        pools = [{name: pool[name] for name in kept} for pool in desk.pools()]
        identities = desk.get("/v1/identities")
        graph = desk.get("/v1/graph")
        nodes = sorted((node["type"], node["id"]) for node in graph["nodes"])
        models = [
            (f["pool_id"], f["model_id"], f["burn_rate"] > 0)
            for f in desk.get("/v1/forecasts")["items"]
        ]
        return json.dumps([pools, identities, nodes, models], indent=1, sort_keys=True)

    return picture
