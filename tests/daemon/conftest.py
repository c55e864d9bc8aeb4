"""Real daemons in processes of their own, and who asks them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import httpx2
import pytest

from ratelord_core.testing.daemon_process import DaemonProcess

POLICY = """
providers:
  mock: [{id: mock, poll_interval: 1h, pools: {default: {limit: 100000, window: {kind: fixed, every: 1h}}}}]
"""


class Desk:
    """One daemon, and what a client may do with it."""

    def __init__(self, daemon: DaemonProcess) -> None:
        self.daemon = daemon

    def get(self, path: str) -> Any:
        """GET JSON."""
        answer = httpx2.get(self.daemon.url + path, timeout=20)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: Any = None, **options: Any) -> httpx2.Response:
        """POST JSON."""
        return httpx2.post(self.daemon.url + path, json=body, timeout=20, **options)

    def ask(self, **fields: Any) -> httpx2.Response:
        """Ask, with ordinary names where none are given."""
        return self.post("/v1/intent", question(**fields))

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

    def figures(self) -> list[tuple[Any, ...]]:
        """What the log must give again."""
        found = self.get("/v1/pools")
        pools = found["items"] if isinstance(found, dict) else found
        names = ("provider_id", "pool_id", "limit", "used", "held", "scheduled", "reset_at")
        return [tuple(pool[name] for name in names) for pool in pools]


class Crowd:
    """Threads that go on asking, and keep every answer and every status they are given."""

    def __init__(self, url: str, size: int = 4) -> None:
        self._url = url
        self._stop = threading.Event()
        self._answered = threading.Semaphore(0)
        self.acknowledged: list[str] = []
        self.refused: list[dict[str, Any]] = []
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
            assert self._answered.acquire(timeout=20), "the daemon does not answer"

    def _ask(self, number: int) -> None:
        with httpx2.Client(base_url=self._url, timeout=20) as client:
            while not self._stop.is_set():
                try:
                    answer = client.post("/v1/intent", json=question(agent_id=f"agent:{number}"))
                except httpx2.TransportError:
                    return
                if answer.status_code == 200:
                    self.acknowledged.append(answer.json()["intent_id"])
                    self._answered.release()
                else:
                    self.refused.append(answer.json())
                    self._stop.wait(0.02)


def question(**fields: Any) -> dict[str, Any]:
    names = {
        "agent_id": "agent:one",
        "identity_id": "pat:one",
        "workload_id": "scan",
        "scope_id": "repo:acme/api",
    }
    return names | fields


class Incubator:
    """Runs ``ratelord`` commands, each in a process of its own that need not load anything."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        clean = {k: v for k, v in os.environ.items() if not k.startswith("RATELORD_")}
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("incubator.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env=clean | {"OPENBLAS_NUM_THREADS": "1"},
        )

    def __call__(self, *words: str, limit: int | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command; ``limit``: no file may grow beyond so many bytes."""
        output = [self._folder / "output", self._folder / "error"]
        order = {"words": words, "limit": limit, "output": [str(path) for path in output]}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        return subprocess.CompletedProcess(words, code, *(path.read_text() for path in output))

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()


def run_command(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``ratelord`` in a process of its own."""
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


def may_grow(limit: int, pid: int = 0) -> None:
    """Let no file of a process grow beyond so many bytes; as a full disk would not."""
    import resource

    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (min(limit, hard) if hard >= 0 else limit, hard))


@pytest.fixture
def command() -> Callable[..., Any]:
    """The command line."""
    return run_command


@pytest.fixture(scope="session")
def incubator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Incubator]:
    """The command line, quick to start; a daemon that it starts must fail to."""
    incubator = Incubator(tmp_path_factory.mktemp("incubator"))
    yield incubator
    incubator.close()


@pytest.fixture
def disk() -> Callable[..., None]:
    """Sets how far the files of a process may grow."""
    return may_grow


@pytest.fixture
def crowd() -> type[Crowd]:
    """People who ask without end."""
    return Crowd


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    """Starts a daemon on the test's folder; whatever still runs ends with the test."""
    started: list[DaemonProcess] = []

    def begin(policy: str | None = POLICY, **options: Any) -> Desk:
        options.setdefault("environment", {"RATELORD_DEBUG": "1"})
        daemon = DaemonProcess(tmp_path, policy=policy, **options)
        started.append(daemon)
        return Desk(daemon.start())

    yield begin
    for daemon in started:
        if daemon.running:
            daemon.stop()


@pytest.fixture
def until() -> Callable[..., Any]:
    """Looks again until something is so, or too long."""

    def look(what: Callable[[], Any], seconds: float = 15.0) -> Any:
        ends = time.monotonic() + seconds
        while not (found := what()):
            assert time.monotonic() < ends, f"it did not become so within {seconds} s"
            time.sleep(0.02)
        return found

    return look
