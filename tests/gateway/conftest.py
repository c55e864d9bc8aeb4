"""A gateway in a process of its own before a scripted server, spoken to on raw lines or through the
SDK's client, with a real daemon to ask."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_core.testing.desk import Desk, patiently

SERVER = Path(__file__).with_name("scripted_server.py")
MODERN = "2026-07-28"
POLICY = """
providers:
  mock:
    - id: mock
      identity: pat:mock
      poll_interval: 1h
      pools: {small: {limit: 100, window: {kind: fixed, every: 1h}}}
pools:
  - {id: cap/used, limit: 100, window: {kind: fixed, every: 1h}, shared_by: ["workload:used/*"]}
  - {id: cap/two, limit: 2, window: {kind: fixed, every: 1h}, shared_by: ["workload:two/*"]}
  - {id: cap/full, limit: 2, window: {kind: fixed, every: 1h}, shared_by: ["workload:full/*"]}
  - {id: cap/free, limit: 9999, window: {kind: fixed, every: 1h}, shared_by: ["workload:free/*"]}
  - {id: cap/turn, limit: 1, window: {kind: sliding, every: 8s}, shared_by: ["workload:turn/*"]}
  - {id: cap/slow, limit: 1, window: {kind: sliding, every: 1h}, shared_by: ["workload:slow/*"]}
  - {id: cap/tokens, unit: tokens, limit: 1000, window: {kind: fixed, every: 1h}, shared_by: ["workload:llm/*"]}
  - {id: cap/jobs, limit: 2, window: {kind: concurrency}, shared_by: ["workload:jobs/*"]}
  - {id: cap/hung, limit: 2, window: {kind: concurrency}, shared_by: ["workload:hung/*"]}
  - {id: cap/asked, limit: 100, window: {kind: fixed, every: 1h}, shared_by: ["workload:asked/*"]}
  - {id: cap/dead, limit: 100, window: {kind: fixed, every: 1h}, shared_by: ["workload:dead/*"]}
  - {id: cap/human, limit: 100, window: {kind: fixed, every: 1h}, shared_by: ["workload:night/*"]}
  - {id: cap/mapped, limit: 100, window: {kind: fixed, every: 1h}, shared_by: ["scope:repo:*"]}
workloads: {scan: {consumes: {mock/small: 1}}}
tools:
  - {match: mapped/count, ask: false}
  - match: mapped/*
    scope: "repo:${args.repo}"
    costs: {cap/mapped: args.n}
    actual_costs: {cap/mapped: "size(result.content)"}
  - {match: prov/*, workload: scan, identity: pat:mock}
  - {match: jobs/slow, cancelled: count}
  - {match: llm/*, costs: {cap/tokens: 100}}
policies:
  - id: night
    rules:
      - {name: closed, condition: "intent.workload_id == 'night/echo'", action: deny, overridable: true}
      - {name: once, condition: "intent.workload_id == 'runs/echo' && run.requests > 0", action: deny}
"""


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One daemon for all tests of this folder: each wraps a server under a name of its own."""
    with DaemonProcess(tmp_path_factory.mktemp("gateway"), policy=POLICY) as daemon:
        found = Desk(daemon)
        patiently(lambda: found.get("/v1/health")["status"] == "ok")
        yield found


class Pipes:
    """A process that speaks lines of JSON."""

    def __init__(self, words: list[str], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )
        assert self.process.stdin
        assert self.process.stdout
        assert self.process.stderr
        self._lines: queue.Queue[bytes] = queue.Queue()
        self.noted: list[str] = []
        self._threads = [
            threading.Thread(target=target, daemon=True) for target in (self._read, self._note)
        ]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(b"")

    def _note(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.noted.append(line.decode())

    def write(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def send(self, method: str, params: Any = None, number: Any = None, **more: Any) -> None:
        message = {"jsonrpc": "2.0", "method": method, "params": params or {}, **more}
        self.write(json.dumps(message | ({} if number is None else {"id": number})).encode())

    def line(self) -> bytes:
        """The next line; b"" at the end."""
        return self._lines.get(timeout=60)

    def read(self) -> dict[str, Any]:
        """The next message."""
        return dict(json.loads(self.line()))

    def ask(self, method: str, params: Any = None, number: Any = 1) -> dict[str, Any]:
        """Send a request; its response. Notifications before it are dropped."""
        self.send(method, params, number)
        while True:
            found = self.read()
            if found.get("id") == number and "method" not in found:
                return found

    def call(self, tool: str, number: Any = 1, **arguments: Any) -> dict[str, Any]:
        """Call a tool; its result, or the whole response if it is an error."""
        found = self.ask("tools/call", {"name": tool, "arguments": arguments}, number)
        return dict(found.get("result", found))

    def end(self) -> int:
        """Hang up, and wait until it ends."""
        streams = (self.process.stdin, self.process.stdout, self.process.stderr)
        for stream in streams[:1]:
            with contextlib.suppress(BrokenPipeError):
                stream.close()
        code = self.process.wait(60)
        for thread in self._threads:
            thread.join(60)
        for stream in streams:
            stream.close()
        return code


Wrap = Callable[..., Pipes]


@pytest.fixture
def bare() -> Iterator[Pipes]:
    """The scripted server itself."""
    pipes = Pipes([sys.executable, str(SERVER)], dict(os.environ))
    yield pipes
    pipes.end()


def gateway_words(name: str, *options: str) -> list[str]:
    """The command line of a gateway before the scripted server."""
    gateway = [sys.executable, "-m", "ratelord_core.cli", "mcp", "wrap", "--name", name]
    return [*gateway, *options, "--", sys.executable, str(SERVER)]


@pytest.fixture
def wrap(request: pytest.FixtureRequest) -> Iterator[Wrap]:
    """Starts gateways before scripted servers; what still runs ends with the test."""
    started: list[Pipes] = []

    def start(name: str, *options: str, url: str = "", socket: str = "") -> Pipes:
        if socket:
            where = {"RATELORD_SOCKET": socket}
        else:
            where = {"RATELORD_URL": url or request.getfixturevalue("desk").daemon.url}
        environment = {key: value for key, value in os.environ.items() if "RATELORD" not in key}
        pipes = Pipes(gateway_words(name, *options), environment | where)
        started.append(pipes)
        return pipes

    yield start
    for pipes in started:
        pipes.end()


@pytest.fixture
def words_of() -> Callable[..., list[str]]:
    """The command line of a gateway before the scripted server, by name."""
    return gateway_words
