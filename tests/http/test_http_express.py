"""The express lane answers what the door answers, word for word, and keeps a connection's order."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from ratelord_core.clock import SeededEntropy
from ratelord_core.daemon.run import Daemon
from ratelord_core.errors import StoreError
from ratelord_core.http.app import build_app
from ratelord_core.http.limits import USUAL, Limits
from ratelord_core.http.server import serve
from ratelord_core.http.settings import HttpSettings
from ratelord_core.settings import load_settings
from ratelord_core.testing.desk import patiently

IDS = {"agent_id": "a:1", "identity_id": "i:1", "workload_id": "scan", "scope_id": "repo:x/y"}
EXPRESS = "application/json"
BY_THE_DOOR = "application/json; charset=utf-8"
"""Means the same, but is not plain enough for the lane."""

QUESTIONS: dict[str, dict[str, Any]] = {
    "approved": {},
    "denied by a rule": {"workload_id": "forbidden"},
    "made to wait": {"workload_id": "hasty"},
    "drawing from no pool": {"workload_id": "unknown"},
    "with its trace": {"debug": True},
    "with amounts": {"costs": {"mock/default": 3}, "expected_cost": 2.5, "urgency": "high"},
    "with a field nobody knows": {"surprise": 1},
    "with a pin that names nothing": {"provider_id": "mock", "pool_id": "nowhere"},
    "with a negative amount": {"expected_cost": -1},
    "with a wrong type": {"agent_id": 7},
    "with a malformed id": {"scope_id": "two words"},
    "with nulls": {"model": None, "costs": None},
}


def ask(client: httpx2.Client, body: bytes, kind: str, **headers: str) -> httpx2.Response:
    return client.post(
        "/v1/intent",
        content=body,
        headers={"content-type": kind, "x-request-id": "the-same", **headers},
    )


def settled(answer: httpx2.Response) -> tuple[int, dict[str, str], str]:
    """A reply without what differs between any two: instants, ids, how sure a forecast is."""
    headers = {name: value for name, value in answer.headers.items() if name != "date"}
    del headers["content-length"]
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "INSTANT", answer.text)
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", text)
    headers["ratelimit"] = re.sub(r";[rt]=\d+", "", headers.get("ratelimit", ""))
    return answer.status_code, headers, re.sub(r'"ttr_seconds":[\d.]+|in [\d.e+]+ s', "", text)


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_has_the_same_answer_express_and_by_the_door(client, name):
    body = json.dumps(IDS | QUESTIONS[name] | {"dry_run": True}).encode()
    assert settled(ask(client, body, EXPRESS)) == settled(ask(client, body, BY_THE_DOOR))


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"agent_id": "a\\u0000"}', b"\xff", b"[" * 5000, b" " * 70000],
)
def test_what_is_no_question_has_the_same_problem_express_and_by_the_door(client, body):
    express, by_the_door = ask(client, body, EXPRESS), ask(client, body, BY_THE_DOOR)
    assert settled(express) == settled(by_the_door)
    assert express.status_code >= 400


def ask_together(client: httpx2.Client, body: bytes, kind: str) -> httpx2.Response:
    headers = {"content-type": kind, "x-request-id": "the-same"}
    return client.post("/v1/intents/batch", content=body, headers=headers)


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_batch_has_the_same_answers_express_and_by_the_door(client, name):
    asked = [IDS | one | {"dry_run": True} for one in (QUESTIONS[name], {"agent_id": "a:2"})]
    body = json.dumps({"intents": asked}).encode()
    express, by_the_door = (ask_together(client, body, kind) for kind in (EXPRESS, BY_THE_DOOR))
    assert settled(express) == settled(by_the_door)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"intents": 1}', b'{"intents": []}', b"\xff"])
def test_what_is_no_batch_has_the_same_problem_express_and_by_the_door(client, body):
    express, by_the_door = (ask_together(client, body, kind) for kind in (EXPRESS, BY_THE_DOOR))
    assert settled(express) == settled(by_the_door)


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"origin": "https://evil.example"},
        {"authorization": "Bearer of-nobody"},
        {"authorization": "Basic eDp5"},
    ],
)
def test_who_may_not_ask_is_refused_alike_express_and_by_the_door(client, headers):
    body = json.dumps(IDS).encode()
    before = client.get("/v1/health").json()["seq"]
    express = ask(client, body, EXPRESS, **headers)
    assert settled(express) == settled(ask(client, body, BY_THE_DOOR, **headers))
    assert express.status_code in (401, 403)
    asked = {"after": before, "type": "intent_submitted"}
    assert client.get("/v1/events", params=asked).json() == []


def test_roles_count_on_the_express_lane_too(guarded, tokens, problem):
    with httpx2.Client(base_url=guarded.url, timeout=60) as client:
        mine = json.dumps(IDS | {"identity_id": "id:agent"}).encode()
        bearer = {role: f"Bearer {token}" for role, token in tokens.items()}
        assert ask(client, mine, EXPRESS, authorization=bearer["agent"]).status_code == 200
        problem(ask(client, mine, EXPRESS), 401, "unauthorized")
        problem(ask(client, mine, EXPRESS, authorization=bearer["viewer"]), 403, "forbidden")
        other = json.dumps(IDS).encode()
        problem(ask(client, other, EXPRESS, authorization=bearer["agent"]), 403, "forbidden")


def raw_question(*lines: str, **fields: Any) -> bytes:
    body = json.dumps(IDS | fields)
    head = ["POST /v1/intent HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "Content-Type: application/json", *lines, "", body]).encode()


def connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=60)


def replies(stream: socket.socket, number: int) -> list[dict[str, Any]]:
    """The bodies of the next replies on a connection."""
    reader = stream.makefile("rb")
    found = []
    for _ in range(number):
        length = 0
        while (line := reader.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        found.append(json.loads(reader.read(length)))
    return found


def test_questions_sent_in_one_go_are_answered_in_their_order(daemon, client):
    looking = b"GET /v1/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
    asked = [raw_question(workload_id=name) for name in ("scan", "forbidden", "hasty")]
    with connected(daemon.url) as stream:
        stream.sendall(asked[0] + asked[1] + looking + asked[2] + asked[0])
        first, second, third, fourth, fifth = replies(stream, 5)
    assert [one["decision"] for one in (first, second, fourth, fifth)] == [
        "approve",
        "deny_with_reason",
        "approve_with_modifications",
        "approve",
    ]
    assert third == {"status": "live"}


def test_a_question_may_arrive_byte_by_byte(daemon, client):
    asked = raw_question()
    with connected(daemon.url) as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for index in range(len(asked)):
            stream.send(asked[index : index + 1])
        assert replies(stream, 1)[0]["allowed"] is True


@pytest.mark.parametrize("line", ["Connection: close", "Expect: 100-continue"])
def test_a_connection_that_wants_something_special_gets_it(daemon, client, line):
    with connected(daemon.url) as stream:
        stream.sendall(raw_question(line))
        said = b""
        while b'"allowed":true' not in said:
            said += stream.recv(65536)
    expected = b"connection: close" if "close" in line else b"100 Continue"
    assert expected in said


def test_who_hangs_up_before_the_answer_is_decided_all_the_same(daemon, client):
    with connected(daemon.url) as stream:
        stream.sendall(raw_question(agent_id="a:gone"))
    seen = partial(client.get, "/v1/events", params={"agent_id": "a:gone"})
    patiently(lambda: len(seen().json()) == 2)
    events = seen().json()
    assert {event["event_type"] for event in events} == {"intent_submitted", "intent_decided"}


def test_a_connection_rests_only_so_long(tmp_path):
    async def scenario(daemon: Daemon, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(raw_question())
        assert b"200 OK" in await reader.readline()
        await asyncio.wait_for(reader.read(), 60)
        writer.close()

    play(tmp_path, scenario, Limits(request_timeout=1.0, idle_timeout=0.1))


def test_a_new_connection_whose_head_is_known_is_not_ended_as_one_that_sends_nothing(tmp_path):
    async def scenario(daemon: Daemon, port: int) -> None:
        for _ in range(2):  # the head is read on the first connection, and known on the second
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(raw_question())
            said = await asyncio.wait_for(reader.read(), 60)
            assert said.startswith(b"HTTP/1.1 200 OK")
            assert said.count(b"HTTP/1.1 ") == 1, said
            writer.close()

    play(tmp_path, scenario, Limits(request_timeout=0.5, idle_timeout=0.6))


def test_a_connection_rests_from_its_last_answer_on_whoever_gave_those_before(tmp_path):
    async def replied(reader: asyncio.StreamReader) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        assert length is not None
        await reader.readexactly(int(length[1]))

    async def scenario(daemon: Daemon, port: int) -> None:
        now = asyncio.get_running_loop().time
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        looking = b"GET /v1/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for sent in (raw_question(), looking, *[raw_question()] * 50):
            last = now()
            writer.write(sent)
            await replied(reader)
        assert await asyncio.wait_for(reader.read(), 60) == b""
        assert now() - last >= 0.5
        writer.close()

    play(tmp_path, scenario, Limits(request_timeout=1.0, idle_timeout=0.5))


def test_an_answer_that_could_not_be_written_down_is_a_problem(tmp_path, monkeypatch):
    async def scenario(daemon: Daemon, port: int) -> None:
        def full(_records: object) -> None:
            raise StoreError("the disk is full")

        monkeypatch.setattr(daemon._store, "append", full)
        monkeypatch.setattr(daemon._store, "commit", partial(full, ()))
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            answer = await client.post("/v1/intent", json=IDS)
        assert answer.status_code == 503
        assert answer.json()["code"] == "read_only"
        assert answer.headers["retry-after"]
        assert answer.headers["x-request-id"] == answer.json()["request_id"]

    play(tmp_path, scenario)


def test_what_is_plain_goes_express(tmp_path):
    """Else every other test here would compare the door with itself."""

    async def scenario(daemon: Daemon, port: int) -> None:
        door = build_app(daemon.arbiter, HttpSettings(SeededEntropy()))
        headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
        body = json.dumps(IDS).encode()
        head = door.express.read(b"/v1/intent", headers)
        assert head is not None
        passage = door.express.take(head, body, by_socket=False)
        assert passage is not None
        await passage.begun.pending
        assert json.loads(passage.begun.reply()[1])["allowed"] is True
        unplain = [(b"host", b"localhost"), (b"content-type", BY_THE_DOOR.encode())]
        assert door.express.read(b"/v1/intent", unplain) is None

        head = door.express.read(b"/v1/intents/batch", headers)
        assert head is not None
        many = json.dumps({"intents": [IDS, IDS | {"idempotency_key": "k"}]}).encode()
        passage = door.express.take(head, many, by_socket=False)
        assert passage is not None
        await passage.begun.pending
        told = json.loads(passage.begun.reply()[1])["decisions"]
        assert [one["allowed"] for one in told] == [True, True]

    play(tmp_path, scenario)


def play(folder: Path, scenario: Any, limits: Limits = USUAL) -> None:
    """A scenario with a daemon that is composed but not living: its parts are ours."""

    async def whole() -> None:
        daemon = Daemon(load_settings(db_path=folder / "ratelord.db"))
        daemon._journal.start()
        daemon.arbiter.phase = "running"
        door = build_app(daemon.arbiter, HttpSettings(SeededEntropy()))
        server = await serve(door, port=0, limits=limits)
        try:
            await scenario(daemon, server.port)
        finally:
            await server.stop()
            await daemon._close()

    asyncio.run(whole())
