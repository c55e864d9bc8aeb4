"""Real daemons over real sockets: one that trusts this machine, one that wants tokens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from ratelord_core.testing.daemon_process import DaemonProcess

# No hold ends by itself while a module's tests count them, however slow the machine is.
POLICY = """
settings: {hold_ttl: 5m}
providers:
  mock:
    - id: mock
      poll_interval: 1h
      pools:
        default: {limit: 1000000, window: {kind: fixed, every: 1h}}
        small: {limit: 10, window: {kind: fixed, every: 1h}}
        deep/er: {limit: 50, window: {kind: fixed, every: 1h}}
workloads:
  scan: {consumes: {mock/default: 1}}
  little: {consumes: {mock/small: 1}}
  nested: {consumes: {mock/deep/er: 1}}
policies:
  - id: house
    rules:
      - {name: no-forbidden-work, condition: "intent.workload_id == 'forbidden'", action: deny,
         params: {reason: "that work is not done here"}}
      - {name: not-by-itself, condition: "intent.workload_id == 'supervised'", action: deny,
         overridable: true, params: {reason: "a human must allow that"}}
      - {name: slow-down, condition: "intent.workload_id == 'hasty'", action: shape,
         params: {wait_seconds: 1.5}}
"""
IDS = {
    "agent_id": "agent:one",
    "identity_id": "pat:one",
    "workload_id": "scan",
    "scope_id": "repo:acme/api",
}
ADMIN_TOKEN = "an-admin-token-of-this-test"

Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonProcess]:
    """A daemon with its debug routes, which takes a missing token for the local operator."""
    folder = tmp_path_factory.mktemp("daemon")
    environment = {
        "RATELORD_DEBUG": "1",
        "RATELORD_SOCKET": str(folder / "http.sock"),
        "RATELORD_BACKTEST_CONCURRENCY": "2",
        "RATELORD_SIMULATION_CONCURRENCY": "2",
    }
    with DaemonProcess(folder, policy=POLICY, environment=environment) as running:
        yield running


@pytest.fixture(scope="module")
def client(daemon: DaemonProcess) -> Iterator[httpx2.Client]:
    """A client of that daemon."""
    with httpx2.Client(base_url=daemon.url, timeout=60) as connected:
        _await_ready(connected)
        yield connected


def _await_ready(client: httpx2.Client) -> None:
    """Until the first polls have ended, questions are answered ``starting``."""
    ends = time.monotonic() + 60
    while client.get("/v1/health/ready").status_code != 200:
        assert time.monotonic() < ends, "the daemon did not get ready"


@pytest.fixture
def ask(client: httpx2.Client) -> Ask:
    """Ask, with ordinary names where none are given; the answer must be a 200."""

    def asking(**fields: Any) -> dict[str, Any]:
        answer = client.post("/v1/intent", json=IDS | fields)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    return asking


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonProcess]:
    """A daemon that wants a token from everybody but the owner of its socket."""
    folder = tmp_path_factory.mktemp("guarded")
    environment = {"RATELORD_AUTH": "required", "RATELORD_SOCKET": str(folder / "http.sock")}
    with DaemonProcess(folder, policy=POLICY, environment=environment) as running:
        with httpx2.Client(base_url=running.url, timeout=60) as stranger:
            _await_ready(stranger)
        yield running


@pytest.fixture(scope="module")
def operator(guarded: DaemonProcess) -> Iterator[httpx2.Client]:
    """The guarded daemon's owner, at its socket."""
    transport = httpx2.HTTPTransport(uds=str(guarded.folder / "http.sock"))
    with httpx2.Client(base_url="http://localhost", transport=transport, timeout=60) as connected:
        _await_ready(connected)
        yield connected


@pytest.fixture(scope="module")
def tokens(operator: httpx2.Client) -> dict[str, str]:
    """A token of each role."""
    found = {}
    for role in ("agent", "viewer", "admin"):
        made = operator.post("/v1/identities", json={"identity_id": f"id:{role}", "role": role})
        assert made.status_code == 200, made.text
        found[role] = made.json()["token"]
    return found


def problem_of(answer: httpx2.Response, status: int, code: str | None = None) -> dict[str, Any]:
    """The problem of a reply that must be one."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    assert answer.headers["content-type"] == "application/problem+json"
    problem = dict(answer.json())
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem["detail"]
    assert "\n" not in problem["detail"]
    assert problem["type"] == f"urn:ratelord:problem:{problem['code']}"
    if code is not None:
        assert problem["code"] == code
    return problem


@pytest.fixture
def problem() -> Callable[..., dict[str, Any]]:
    """Checks that a reply is the documented problem, and gives it."""
    return problem_of
