"""Disks that refuse, and replies that are lost: nothing is decided that is not written, nothing that
is written is decided twice, and the daemon comes back by itself."""

from __future__ import annotations

import json
import socket
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from ratelord_core.testing.desk import Desk, desks, question

Until = Callable[..., Any]
HERE = Path(__file__).with_name("failing_disk")
# No hold ends by itself while the tests count them, however slow the machine is.
POLICY = """
settings: {hold_ttl: 10m}
providers:
  mock: [{id: mock, poll_interval: 1h, pools: {default: {limit: 1000, window: {kind: fixed, every: 1h}}}}]
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A daemon on a disk that fails when the file ``fault`` beside its log says so."""
    folder = tmp_path_factory.mktemp("disk")
    environment = {"PYTHONPATH": str(HERE), "FAILING_DISK": str(folder / "fault")}
    with desks(folder, POLICY) as begin:
        yield begin(environment=environment)


@pytest.fixture
def fail(desk: Desk, until: Until) -> Iterator[Callable[[str], None]]:
    """Makes the disk fail in one way; it is well again in the end."""
    fault = desk.daemon.folder / "fault"
    yield fault.write_text
    fault.unlink(missing_ok=True)
    until(lambda: desk.get("/v1/health")["status"] == "ok")


def held(desk: Desk) -> int:
    return int(desk.pool()["held"])


def decided(desk: Desk, until: Until, key: str) -> dict[str, Any]:
    """The answer, as soon as one is given: the last attempt that met the fault may end only after
    the daemon was seen well."""

    def answer() -> dict[str, Any] | None:
        said = desk.try_asking(idempotency_key=key)
        return dict(said.json()) if said.status_code == 200 else None

    return dict(until(answer))


def proof(desk: Desk) -> dict[str, Any] | None:
    """What the log proves; nothing while it cannot be written."""
    answer = desk.post("/v1/admin/verify")
    return dict(answer.json()) if answer.status_code == 200 else None


@pytest.mark.parametrize("fault", ["fsync", "read-only", "unknown"])
def test_what_could_not_be_written_is_not_decided_and_it_comes_back(
    desk: Desk, fail: Callable[[str], None], until: Until, fault: str
) -> None:
    before = held(desk)
    fail(fault)
    refused = desk.try_asking(idempotency_key=fault)
    assert refused.status_code == 503
    assert refused.json()["code"] == "read_only"
    assert int(refused.headers["retry-after"]) >= 1
    # It tries to write again every second, and while it tries it is not read-only: look until it is.
    url = desk.daemon.url
    until(lambda: desk.get("/v1/health")["status"] == "read_only")
    until(lambda: httpx2.get(f"{url}/v1/health/ready", timeout=60).status_code == 503)
    assert httpx2.get(f"{url}/v1/health/live", timeout=60).status_code == 200
    until(lambda: "ratelord_read_only 1.0" in httpx2.get(f"{url}/metrics", timeout=60).text)
    assert desk.get("/v1/pools")["items"], "looking goes on"

    fail("")
    until(lambda: desk.get("/v1/health")["status"] == "ok")
    assert decided(desk, until, fault)["allowed"]
    assert held(desk) == before + 1, "one hold, whether the first attempt was written or not"
    # An attempt that met the fault may end only now, and be followed by one more.
    found = until(lambda: proof(desk))
    assert (found["intact"], found["state"]) == (True, "same")


def test_a_log_that_another_program_locks_makes_it_wait_and_then_read_only(
    desk: Desk, until: Until
) -> None:
    before = held(desk)
    other = sqlite3.connect(desk.daemon.db, timeout=60, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    refused = desk.try_asking(idempotency_key="locked")
    assert refused.json()["code"] == "read_only"
    assert "locked" in desk.daemon.log
    other.execute("ROLLBACK")
    other.close()
    until(lambda: desk.get("/v1/health")["status"] == "ok")
    assert decided(desk, until, "locked")["allowed"]
    assert held(desk) == before + 1


def sent(desk: Desk, body: dict[str, Any]) -> socket.socket:
    """A connection on which a question was asked."""
    address = urlsplit(desk.daemon.url)
    content = json.dumps(body).encode()
    line = socket.create_connection((address.hostname, address.port), timeout=60)
    line.sendall(
        b"POST /v1/intent HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(content), content)
    )
    return line


@pytest.mark.parametrize("restarted", [False, True], ids=["at once", "after a kill"])
def test_a_reply_that_is_lost_after_the_commit_is_given_again_byte_for_byte(
    desk: Desk, until: Until, restarted: bool
) -> None:
    key = f"lost-{restarted}"
    before, answers = held(desk), len(desk.decided())
    line = sent(desk, question(idempotency_key=key))
    until(lambda: len(desk.decided()) == answers + 1)
    lost = b""
    while b"\r\n\r\n" not in lost or not lost.endswith(b"}"):
        lost += line.recv(65536)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    line.close()
    if restarted:
        desk.daemon.kill()
        desk.daemon.start()

    again = desk.try_asking(idempotency_key=key)
    once_more = desk.post("/v1/intent", question(), headers={"idempotency-key": key})

    assert again.content == once_more.content == lost.partition(b"\r\n\r\n")[2]
    assert held(desk) == before + 1
    assert len(desk.decided()) == answers + 1
    other = desk.try_asking(idempotency_key=key, expected_cost=7)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
