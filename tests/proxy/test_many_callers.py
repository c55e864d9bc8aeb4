"""What callers may not do to the proxy, and what the others have then."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import httpx2


def test_a_head_without_measure_is_refused_in_the_providers_words(proxy: str) -> None:
    answer = httpx2.get(proxy + "/v1/models", headers={"x": "y" * 70_000}, timeout=60)

    assert answer.status_code == 431
    assert "larger than 65536 bytes" in answer.json()["error"]["message"]
    assert answer.headers["connection"] == "close"


def test_idle_connections_do_not_use_up_the_files_that_calls_need(
    running: Any, desk: Any, upstream: str
) -> None:
    words = ("--provider", "openai", "--upstream", upstream)
    with running(*words, files=60, RATELORD_URL=desk.daemon.url) as url, ExitStack() as open_:
        place = urlsplit(url)
        made = [socket.create_connection((place.hostname, place.port), 60) for _ in range(20)]
        idle = [open_.enter_context(one) for one in made]
        turned_away = httpx2.get(url + "/-/health", timeout=60)
        idle[0].sendall(b"GET /v1/models HTTP/1.1\r\nhost: here\r\n\r\n")

        assert idle[0].recv(12) == b"HTTP/1.1 200"

    assert turned_away.status_code == 503
    assert "20 connections are open" in turned_away.json()["error"]["message"]
