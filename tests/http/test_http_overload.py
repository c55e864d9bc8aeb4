"""Too much at once: what is let in is answered, the rest is told so, and the urgent come last."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from ratelord_core.clock import SeededEntropy
from ratelord_core.daemon.run import Daemon
from ratelord_core.http.app import build_app
from ratelord_core.http.server import serve
from ratelord_core.http.settings import HttpSettings
from ratelord_core.settings import load_settings
from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_core.testing.desk import patiently

IDS = {"agent_id": "a:1", "identity_id": "i:1", "workload_id": "scan", "scope_id": "repo:x/y"}


def test_a_full_queue_sheds_the_least_urgent_first_and_says_so_at_once(tmp_path, monkeypatch):
    async def scenario(daemon: Daemon, url: str) -> None:
        stuck = threading.Event()
        append = daemon._store.append
        monkeypatch.setattr(daemon._store, "stage", lambda _records: False)
        monkeypatch.setattr(
            daemon._store, "append", lambda records: (stuck.wait(200), append(records))
        )
        async with httpx2.AsyncClient(base_url=url, timeout=60) as client:

            async def ask(urgency: str) -> httpx2.Response:
                return await client.post("/v1/intent", json=IDS | {"urgency": urgency})

            admitted: list[asyncio.Task[httpx2.Response]] = []
            for urgency, room in (("background", 15), ("normal", 3), ("high", 2)):
                for _ in range(room):
                    admitted.append(asyncio.create_task(ask(urgency)))
                    await until(lambda: door._in_flight == len(admitted))
                refused = await ask(urgency)
                assert (refused.status_code, refused.json()["code"]) == (429, "overloaded")
                assert int(refused.headers["retry-after"]) >= 1
                assert not any(task.done() for task in admitted), "it waited for what is stuck"
            stuck.set()
            answers = await asyncio.gather(*admitted)
        assert [answer.status_code for answer in answers] == [200] * 20

    async def whole() -> None:
        nonlocal door
        daemon = Daemon(load_settings(db_path=tmp_path / "ratelord.db"))
        daemon._journal.start()
        daemon.arbiter.phase = "running"
        built = build_app(daemon.arbiter, HttpSettings(SeededEntropy(), max_in_flight=20))
        door = built.express._intents
        server = await serve(built, port=0)
        try:
            await scenario(daemon, server.url)
        finally:
            await server.stop()
            await daemon._close()

    door: Any = None
    asyncio.run(whole())


async def until(true: Any) -> None:
    for _ in range(2000):
        if true():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come to that")


@pytest.fixture(scope="module")
def tight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonProcess]:
    """A daemon with tight bounds."""
    environment = {
        "RATELORD_MAX_CONNECTIONS": "20",
        "RATELORD_MAX_HEADERS": "12",
        "RATELORD_MAX_PIPELINED": "5",
        "RATELORD_MAX_HEADER_BYTES": "2048",
        "RATELORD_REQUEST_TIMEOUT": "2",
        "RATELORD_READER_TIMEOUT": "0.4",
    }
    with DaemonProcess(tmp_path_factory.mktemp("tight"), environment=environment) as running:
        yield running


def connected(daemon: DaemonProcess) -> socket.socket:
    address = urlsplit(daemon.url)
    return socket.create_connection((address.hostname, address.port), timeout=60)


def said(stream: socket.socket) -> bytes:
    found = b""
    try:
        while part := stream.recv(65536):
            found += part
    except ConnectionError:
        pass
    return found


def code_of(raw: bytes) -> str:
    return str(json.loads(raw.rpartition(b"\r\n\r\n")[2])["code"])


HEAD = b"GET /v1/health/live HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (HEAD + b"X-One: 1\r\n" * 20 + b"\r\n", "head_too_large"),
        (HEAD + b"X: " + b"y" * 4000 + b"\r\n\r\n", "head_too_large"),
        (HEAD, "too_slow"),
        (b"", "too_slow"),
    ],
)
def test_a_flood_of_headers_and_a_request_that_drips_are_cut_off(tight, sent, code):
    with connected(tight) as stream:
        stream.sendall(sent)
        assert code_of(said(stream)) == code


def test_who_sends_too_many_requests_ahead_is_cut_off(tight):
    with connected(tight) as stream:
        stream.sendall((HEAD + b"\r\n") * 200)
        assert said(stream).count(b"200 OK") < 200
    with connected(tight) as stream:
        stream.sendall((HEAD + b"\r\n") * 4)
        found = b""
        while found.count(b"200 OK") < 4:
            found += stream.recv(65536) or pytest.fail(f"hung up after {found!r}")


def ask_without_reading(stream: socket.socket, seconds: float) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        stream.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
        threading.Event().wait(0.05)


def test_who_never_reads_is_dropped_with_all_that_waits_for_it(tight):
    with connected(tight) as stream:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with pytest.raises(ConnectionError):
            ask_without_reading(stream, 20)


def test_one_connection_too_many_is_told_so_and_the_others_go_on(tight):
    resting = [rested(tight) for _ in range(20)]
    extra = connected(tight)
    assert code_of(said(extra)) == "too_many_connections"
    for stream in (*resting, extra):
        stream.close()
    patiently(lambda: httpx2.get(f"{tight.url}/v1/health/live", timeout=60).is_success)


def rested(daemon: DaemonProcess) -> socket.socket:
    """A connection on which something was asked and answered: it may rest."""
    stream = patiently(lambda: _answered(connected(daemon)))
    assert isinstance(stream, socket.socket)
    return stream


def _answered(stream: socket.socket) -> socket.socket | None:
    """The connection, or None if those of an earlier test still took its place."""
    stream.sendall(HEAD + b"\r\n")
    if b"200 OK" in stream.recv(65536):
        return stream
    stream.close()
    return None
