"""The event stream: nothing lost, nothing repeated, nobody waited for."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from ratelord_core.testing.daemon_process import DaemonProcess

Ask = Callable[..., dict[str, Any]]
Problem = Callable[..., dict[str, Any]]


class Frames:
    """The frames of a stream, one after another."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines

    def next(self) -> dict[str, Any]:
        """The next event's frame; comments are passed over."""
        frame: dict[str, Any] = {}
        for line in self._lines:
            if line.startswith(":"):
                continue
            if line:
                name, _, value = line.partition(": ")
                frame[name] = value
            elif frame:
                return frame | {"data": json.loads(frame["data"])}
        raise EOFError

    def rest(self) -> list[dict[str, Any]]:
        """All frames until the stream ends."""
        found = []
        while True:
            try:
                found.append(self.next())
            except EOFError:
                return found


@contextmanager
def following(client: httpx2.Client, query: str = "", **headers: str) -> Iterator[Frames]:
    with client.stream("GET", f"/v1/events?stream=true{query}", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        assert next(lines).startswith(":"), "a comment opens the stream at once"
        yield Frames(lines)


def seqs(client: httpx2.Client, after: int) -> list[int]:
    found = client.get(f"/v1/events?order=asc&limit=1000&after={after}").json()
    return [event["seq"] for event in found]


def test_a_stream_starts_now_and_shows_what_happens(client, ask: Ask):
    with following(client, "&type=intent_decided") as frames:
        decision = ask(agent_id="agent:streamed")
        frame = frames.next()
    assert frame["event"] == "intent_decided"
    assert frame["data"]["correlation"]["correlation_id"] == decision["intent_id"]
    assert int(frame["id"]) == frame["data"]["seq"]


def test_a_reader_that_comes_back_loses_nothing_and_gets_nothing_twice(client, ask: Ask):
    for _ in range(5):
        ask()
    start = client.get("/v1/health").json()["seq"] - 6
    seen = []
    with following(client, f"&after={start}") as frames:
        seen += [int(frames.next()["id"]) for _ in range(3)]
    ask()
    expected = seqs(client, start)
    with following(client, "&after=1", **{"last-event-id": str(seen[-1])}) as frames:
        seen += [int(frames.next()["id"]) for _ in range(len(expected) - 3)]
    assert seen[: len(expected)] == expected


def test_the_head_of_a_stream_does_not_stay_open(client):
    head = client.head("/v1/events?stream=true")
    assert head.headers["content-type"].startswith("text/event-stream")


def test_a_stream_from_the_beginning_has_the_whole_log(client):
    expected = seqs(client, 0)
    with following(client, "&after=0") as frames:
        assert [int(frames.next()["id"]) for _ in expected] == expected


@pytest.mark.parametrize("position", ["-1", "x", "1.5", "9" * 30])
def test_a_position_that_makes_no_sense_is_refused(client, problem: Problem, position):
    headers = {"last-event-id": position}
    problem(client.get("/v1/events?stream=true", headers=headers), 400, "invalid_request")


def test_a_stream_ends_when_the_daemon_stops(tmp_path):
    with (
        DaemonProcess(tmp_path) as daemon,
        httpx2.Client(base_url=daemon.url, timeout=60) as client,
        following(client) as frames,
    ):
        assert daemon.stop() == 0
        frames.rest()


def test_a_reader_that_never_reads_harms_nobody(daemon, client, ask: Ask):
    address = urlsplit(daemon.url)
    with socket.create_connection((address.hostname, address.port)) as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.sendall(b"GET /v1/events?stream=true&after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for _ in range(50):
            ask()
        assert client.get("/v1/health").json()["status"] == "ok"
