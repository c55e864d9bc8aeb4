"""``ratelord mcp`` in processes of its own, spoken to in raw JSON-RPC over real pipes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from ratelord_core.testing.daemon_process import DaemonProcess

POLICY = """
pools:
  - {id: team/many, limit: 1000, window: {kind: fixed, every: 1h}}
  - {id: team/few, limit: 3, window: {kind: fixed, every: 1h}, shared_by: ["workload:rare"]}
  - {id: team/shop, limit: 2, window: {kind: fixed, every: 1h}, shared_by: ["workload:shop/rare"]}
workloads: {rare: {consumes: {team/few: 1}}, shop/rare: {consumes: {team/shop: 1}}}
tools:
  - {match: agent/Read, ask: false}
  - {match: agent/Write, workload: writing, scope: "file:${args.file_path}", identity: pat:writer}
  - {match: agent/Forbidden, workload: forbidden}
policies:
  - id: house
    rules:
      - {name: no-forbidden-work, condition: "intent.workload_id == 'forbidden'", action: deny,
         params: {reason: "that work is not done here"}}
  - id: runs
    scope: agent:runner
    rules: [{name: once-a-run, condition: run.requests >= 1, action: deny}]
"""
NAMES = {
    "agent_id": "crawler-01",
    "identity_id": "pat:rmax",
    "workload_id": "scan",
    "scope_id": "repo:acme/api",
}
HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}


class Spoken:
    """One process of a host, which speaks lines of JSON-RPC."""

    def __init__(self, words: tuple[str, ...], environment: dict[str, str], folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ratelord_core.cli", "mcp", *words],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.raw: list[bytes] = []
        self._lines: Queue[bytes] = Queue()
        self._number = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.raw.append(line)
            self._lines.put(line)

    def write(self, content: bytes) -> None:
        """Send bytes as they are."""
        assert self.process.stdin is not None
        self.process.stdin.write(content)
        self.process.stdin.flush()

    def send(self, method: str, params: dict[str, Any] | None = None, **fields: Any) -> None:
        """Send a message."""
        message = {"jsonrpc": "2.0", "method": method, "params": params or {}} | fields
        self.write(json.dumps(message).encode() + b"\n")

    def next(self, timeout: float = 120.0) -> dict[str, Any]:
        """The next message of the server."""
        return json.loads(self._lines.get(timeout=timeout))

    def ask_for(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer to a request."""
        self._number += 1
        self.send(method, params, id=self._number)
        while True:
            message = self.next()
            if message.get("id") == self._number:
                return message

    def greet(self) -> dict[str, Any]:
        """Shake hands; what the server says of itself."""
        answer = self.ask_for("initialize", HELLO)["result"]
        self.send("notifications/initialized")
        return answer

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The result of a tool call."""
        return self.ask_for("tools/call", {"name": tool, "arguments": arguments})["result"]

    def ask(self, **fields: Any) -> dict[str, Any]:
        """The decision on an intent with ordinary names where none are given."""
        result = self.call("ask_intent", **(NAMES | fields))
        assert not result.get("isError"), result
        return result["structuredContent"]

    def hang_up(self) -> int:
        """End the input; the exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(60)

    def errors(self) -> str:
        """Standard error, once the process has ended."""
        assert self.process.stderr is not None
        return self.process.stderr.read().decode()

    def close(self) -> None:
        """End it by its own pid, if it has not ended."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(10)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None and not pipe.closed:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A user with a home of its own, whose daemon takes a free port."""
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RATELORD_")}
    return clean | {
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_RUNTIME_DIR": str(runtime),
        "RATELORD_PORT": "0",
        "PYTHONUNBUFFERED": "1",
    }


Spawn = Callable[..., Spoken]


@pytest.fixture
def spawn(environment: dict[str, str], tmp_path: Path) -> Iterator[Spawn]:
    """Start processes that end with the test."""
    spoken: list[Spoken] = []

    def start(*words: str, **variables: str) -> Spoken:
        spoken.append(Spoken(words, environment | variables, tmp_path))
        return spoken[-1]

    yield start
    for one in spoken:
        one.close()


@pytest.fixture(scope="package")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonProcess]:
    """A daemon for all tests that leave it as it is: plenty for everybody, and three units of
    ``team/few`` for the workload ``rare``."""
    with DaemonProcess(tmp_path_factory.mktemp("daemon"), policy=POLICY) as running:
        yield running
