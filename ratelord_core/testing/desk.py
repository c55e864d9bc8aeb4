"""Where a test asks: a real daemon, over HTTP as anybody would, or by the command line."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from ratelord_core.testing import nursery
from ratelord_core.testing.daemon_process import DaemonProcess


def question(**fields: Any) -> dict[str, Any]:
    """The body of an intent, with ordinary names where none are given."""
    names = {
        "agent_id": "agent:one",
        "identity_id": "pat:one",
        "workload_id": "scan",
        "scope_id": "repo:acme/api",
    }
    return names | fields


class Desk:
    """One daemon, and what a client may do with it."""

    def __init__(self, daemon: DaemonProcess) -> None:
        self.daemon = daemon

    def get(self, path: str) -> Any:
        """GET JSON; what is not 2xx is an error."""
        answer = httpx2.get(self.daemon.url + path, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: Any = None, **options: Any) -> httpx2.Response:
        """POST JSON; any answer will do."""
        return httpx2.post(self.daemon.url + path, json=body, timeout=60, **options)

    def try_asking(self, **fields: Any) -> httpx2.Response:
        """Ask a ``question``; the answer may be a refusal."""
        return self.post("/v1/intent", question(**fields))

    def ask(self, **fields: Any) -> dict[str, Any]:
        """Ask a ``question``, which must be decided; the decision."""
        answer = self.try_asking(**fields)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        """All events (of a type), oldest first."""
        found: list[dict[str, Any]] = []
        while True:
            after = found[-1]["seq"] if found else 0
            page = self.get(f"/v1/events?order=asc&limit=500&after={after}&type={kind}")
            if not page:
                return found
            found += page

    def decided(self) -> set[str]:
        """The intents that the log has an answer to."""
        return {event["correlation"]["correlation_id"] for event in self.events("intent_decided")}

    def pools(self) -> list[dict[str, Any]]:
        """Every pool."""
        return list(self.get("/v1/pools")["items"])

    def pool(self, key: str = "mock/default") -> dict[str, Any]:
        """One pool."""
        return dict(self.get(f"/v1/pools/{key}"))

    def figures(self) -> list[tuple[Any, ...]]:
        """What of every pool does not merely pass with time, and must survive a restart."""
        names = ("provider_id", "pool_id", "limit", "used", "held", "scheduled", "reset_at")
        return [tuple(pool[name] for name in names) for pool in self.pools()]

    def inject(self, usage: int, pool: str = "default") -> None:
        """Spend behind the daemon's back (``RATELORD_DEBUG``); it is seen at the next poll."""
        body = {"provider_id": "mock", "pool_id": pool, "usage": usage}
        assert self.post("/debug/provider/inject", body).is_success

    def command(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the command line against this daemon."""
        return run_command(*words, RATELORD_URL=self.daemon.url, **environment)


def run_command(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``ratelord`` in a process of its own, free of what the shell around the tests says."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RATELORD_")}
    done = nursery.finished(words, clean | environment, 240)
    return done or subprocess.run(  # noqa: S603 - our own interpreter, our own module
        [sys.executable, "-m", "ratelord_core.cli", *words],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env=clean | environment,
        timeout=240,
    )


@contextmanager
def desks(folder: Path, usual_policy: str) -> Iterator[Callable[..., Desk]]:
    """Starts daemons (with their debug routes) on a folder; what still runs ends with the block.

    The arguments of what it gives are ``policy`` (None: no file), and those of ``DaemonProcess``.
    """
    started: list[DaemonProcess] = []

    def begin(policy: str | None = usual_policy, **options: Any) -> Desk:
        options.setdefault("environment", {"RATELORD_DEBUG": "1"})
        daemon = DaemonProcess(folder, policy=policy, **options)
        started.append(daemon)
        return Desk(daemon.start())

    try:
        yield begin
    finally:
        for daemon in started:
            if daemon.running:
                daemon.stop()


def patiently(what: Callable[[], Any], seconds: float = 120.0) -> Any:
    """Look again until something is so, or too long: for what the daemon does on its own time."""
    ends = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < ends, f"it did not become so within {seconds} s"
        time.sleep(0.02)
    return found
