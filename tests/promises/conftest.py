"""Real daemons for the promises: a process, a folder, a port of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ratelord_core.testing.daemon_process import DaemonProcess

LIMIT = 100
"""Units of the pool of ``POLICY``."""

POLICY = """
providers:
  mock:
    - {id: mock, poll_interval: 1h, pools: {default: {limit: 100, window: {kind: fixed, every: 1h}}}}
"""
"""One simulated provider with one pool that does not reset while a test runs."""


class Desk:
    """Where a test asks: one daemon, over HTTP as anybody would, and by the command line."""

    def __init__(self, daemon: DaemonProcess) -> None:
        self.daemon = daemon

    def post(self, path: str, body: Any = None) -> httpx2.Response:
        """POST JSON."""
        return httpx2.post(self.daemon.url + path, json=body, timeout=20)

    def get(self, path: str) -> Any:
        """GET JSON; what is not 2xx is an error."""
        answer = httpx2.get(self.daemon.url + path, timeout=20)
        answer.raise_for_status()
        return answer.json()

    def ask(self, **fields: Any) -> dict[str, Any]:
        """Ask, with ordinary names where none are given; the answer must be a 200."""
        body = {
            "agent_id": "agent:one",
            "identity_id": "pat:one",
            "workload_id": "scan",
            "scope_id": "repo:acme/api",
        }
        answer = self.post("/v1/intent", body | fields)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        """All events (of a type), oldest first."""
        found: list[dict[str, Any]] = []
        after = 0
        while True:
            page = self.get(f"/v1/events?order=asc&limit=500&after={after}&type={kind}")
            if not page:
                return found
            found += page
            after = page[-1]["seq"]

    def pool(self, key: str = "mock/default") -> dict[str, Any]:
        """One pool."""
        return dict(self.get(f"/v1/pools/{key}"))

    def pools(self) -> list[dict[str, Any]]:
        """Every pool."""
        found = self.get("/v1/pools")
        return list(found["items"] if isinstance(found, dict) else found)

    def inject(self, usage: int, pool: str = "default") -> None:
        """Spend behind the daemon's back; it is seen at the next poll."""
        body = {"provider_id": "mock", "pool_id": pool, "usage": usage}
        assert self.post("/debug/provider/inject", body).is_success

    def command(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the command line against this daemon."""
        return run_command(*words, RATELORD_URL=self.daemon.url, **environment)


def run_command(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``ratelord`` in a process of its own, free of what the shell around the tests says."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RATELORD_")}
    return subprocess.run(
        [sys.executable, "-m", "ratelord_core.cli", *words],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env=clean | environment,
        timeout=60,
    )


@pytest.fixture
def command() -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command line without a daemon."""
    return run_command


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    """Starts a daemon on the test's folder; whatever still runs ends with the test."""
    started: list[DaemonProcess] = []

    def begin(policy: str | None = POLICY, folder: Path = tmp_path, **options: Any) -> Desk:
        options.setdefault("environment", {"RATELORD_DEBUG": "1"})
        daemon = DaemonProcess(folder, policy=policy, **options)
        started.append(daemon)
        desk = Desk(daemon.start())
        patiently(lambda: httpx2.get(f"{daemon.url}/v1/health/ready", timeout=20).is_success)
        return desk

    yield begin
    for daemon in started:
        if daemon.running:
            daemon.stop()


@pytest.fixture
def until() -> Callable[..., Any]:
    """Looks again until something is so, or too long."""
    return patiently


def patiently(what: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Look again until something is so, or too long: for what the daemon does on its own time."""
    ends = time.monotonic() + seconds
    while True:
        found = what()
        if found or time.monotonic() > ends:
            assert found, f"it did not become so within {seconds} s"
            return found
        time.sleep(0.05)


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
            for f in _items(desk.get("/v1/forecasts"))
        ]
        return json.dumps([pools, identities, nodes, models], indent=1, sort_keys=True)

    return picture


def _items(found: Any) -> list[Any]:
    return list(found["items"] if isinstance(found, dict) else found)
