"""When the daemon cannot answer: starting, stopping, too busy, broken. It says so, and lives on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ratelord_core.clock import SeededEntropy
from ratelord_core.daemon.run import Daemon
from ratelord_core.http.app import build_app
from ratelord_core.http.server import serve
from ratelord_core.http.settings import HttpSettings
from ratelord_core.settings import load_settings

IDS = {"agent_id": "a:1", "identity_id": "i:1", "workload_id": "scan", "scope_id": "repo:x/y"}
Scene = Callable[[httpx2.AsyncClient, Daemon], Awaitable[None]]


def play(folder: Path, scene: Scene, **options: Any) -> None:
    """A scene before the door of a daemon that is composed but not living: its state is ours."""

    async def whole() -> None:
        daemon = Daemon(load_settings(db_path=folder / "ratelord.db"))
        daemon._journal.start()
        door = build_app(daemon.arbiter, HttpSettings(SeededEntropy(), **options))
        server = await serve(door, port=0)
        try:
            async with httpx2.AsyncClient(base_url=server.url, timeout=60) as client:
                await scene(client, daemon)
        finally:
            await server.stop()
            await daemon._close()

    asyncio.run(whole())


@pytest.mark.parametrize(
    ("phase", "code", "ready"), [("starting", "starting", 503), ("stopping", "shutting_down", 503)]
)
def test_who_asks_too_early_or_too_late_is_told_when_to_come_back(
    tmp_path, problem, phase, code, ready
):
    async def scene(client: httpx2.AsyncClient, daemon: Daemon) -> None:
        daemon.arbiter.phase = phase
        for path, body in (("/v1/intent", IDS), ("/v1/intents/batch", {"intents": [IDS]})):
            answer = await client.post(path, json=body)
            problem(answer, 503, code)
            assert int(answer.headers["retry-after"]) >= 1
        assert (await client.get("/v1/health")).status_code == 200
        assert (await client.get("/v1/health/live")).status_code == 200
        assert (await client.get("/v1/health/ready")).status_code == ready

    play(tmp_path, scene)


def test_more_questions_than_can_be_answered_are_sent_away(tmp_path, problem):
    async def scene(client: httpx2.AsyncClient, daemon: Daemon) -> None:
        daemon.arbiter.phase = "running"
        answer = await client.post("/v1/intents/batch", json={"intents": [IDS] * 4})
        problem(answer, 429, "overloaded")
        assert answer.headers["retry-after"] == "1"
        dry = IDS | {"dry_run": True}
        assert (await client.post("/v1/intent", json=dry)).status_code == 200
        assert (await client.post("/v1/intents/batch", json={"intents": [dry] * 3})).is_success

    play(tmp_path, scene, max_in_flight=3)


def test_an_unforeseen_error_is_a_500_with_its_id_and_the_daemon_lives_on(
    tmp_path, problem, capsys
):
    async def scene(client: httpx2.AsyncClient, daemon: Daemon) -> None:
        whole, daemon.arbiter.engine = daemon.arbiter.engine, None  # type: ignore[assignment]
        secret = {"authorization-like": "x", "x-request-id": "broken-1"}
        broken = await client.post("/v1/identities", json={"identity_id": "a", "token": "hush" * 9})
        problem(broken, 500, "internal_error")
        found = problem(await client.get("/v1/pools?pool=hush", headers=secret), 500)
        assert found["request_id"] == "broken-1"
        daemon.arbiter.engine = whole
        assert (await client.get("/v1/pools")).status_code == 200

    play(tmp_path, scene)
    logged = capsys.readouterr()
    assert "broken-1" in logged.out + logged.err
    assert "AttributeError" in logged.out + logged.err
    assert "hush" not in logged.out + logged.err


@pytest.mark.parametrize("host", [b"localhost", b"evil.example"])
def test_a_client_that_hangs_up_in_the_middle_of_its_body_harms_nobody(tmp_path, host, capsys):
    async def scene(client: httpx2.AsyncClient, daemon: Daemon) -> None:
        daemon.arbiter.phase = "running"
        address = client.base_url
        _, writer = await asyncio.open_connection(address.host, address.port)
        head = b"POST /v1/intent HTTP/1.1\r\nHost: %s\r\nContent-Length: 99\r\n" % host
        writer.write(head + b"Content-Type: application/json\r\n\r\n{")
        await writer.drain()
        assert (await client.get("/v1/health")).status_code == 200
        writer.close()
        await writer.wait_closed()
        assert (await client.post("/v1/intent", json=IDS | {"dry_run": True})).is_success

    play(tmp_path, scene)
    logged = capsys.readouterr()
    assert "failed" not in logged.out + logged.err


async def can_follow(client: httpx2.AsyncClient, tries: int = 2000) -> bool:
    """Whether a stream opens, as soon as the daemon has noticed that another one was left."""
    for _ in range(tries):
        await asyncio.sleep(0.01)
        async with client.stream("GET", "/v1/events?stream=true") as stream:
            if stream.status_code == 200:
                return True
    return False


async def read_until(stream: httpx2.Response, text: str, times: int) -> None:
    seen = ""
    async for chunk in stream.aiter_text():
        seen += chunk
        if seen.count(text) >= times:
            return


def test_a_silent_stream_is_kept_alive_and_there_are_never_too_many(tmp_path, problem):
    async def scene(client: httpx2.AsyncClient, daemon: Daemon) -> None:
        async with client.stream("GET", "/v1/events?stream=true") as stream:
            problem(await client.get("/v1/events?stream=true"), 429, "too_many_streams")
            await read_until(stream, ": ", 4)
        assert await can_follow(client), "who left makes room"

    play(tmp_path, scene, heartbeat=0.01, max_streams=1)


def test_a_stop_ends_the_streams_in_good_order(tmp_path):
    async def whole() -> None:
        daemon = Daemon(load_settings(db_path=tmp_path / "ratelord.db"))
        daemon._journal.start()
        server = await serve(build_app(daemon.arbiter, HttpSettings(SeededEntropy())), port=0)
        async with (
            httpx2.AsyncClient(base_url=server.url, timeout=60) as client,
            client.stream("GET", "/v1/events?stream=true") as stream,
        ):
            stopping = asyncio.create_task(server.stop())
            assert "".join([chunk async for chunk in stream.aiter_text()]).startswith(":")
            await stopping
        await daemon._close()

    asyncio.run(whole())


def test_problems_are_json_even_for_what_is_asked_of_a_closed_door(tmp_path):
    async def scene(client: httpx2.AsyncClient, daemon: Daemon) -> None:
        daemon.arbiter.phase = "stopping"
        answer = await client.post("/v1/intent", json=IDS)
        assert json.loads(answer.content)["code"] == "shutting_down"

    play(tmp_path, scene)
