"""A provider's process is killed and comes back: what is approved meanwhile is neither lost nor
counted, and nothing too much is approved after."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from ratelord_core.testing.desk import desks, patiently

POLICY = """
providers:
  openai: [{id: openai, mode: manual, models: {gpt-x: {requests: 20, tokens: 1000000}}}]
pools:
  - {id: openai/gpt-x/requests, window: {kind: bucket, every: 1d}}
  - {id: openai/gpt-x/tokens, window: {kind: bucket, every: 1d}}
"""
ASK = {"model": "gpt-x", "messages": [{"role": "user", "content": "one"}], "max_tokens": 2}
SERVER = """
import sys, uvicorn
from ratelord_core.testing.enforcing import EnforcingOpenai
api = EnforcingOpenai(20, 1_000_000, 86_400.0)
api.of("gpt-x")["requests"].take(int(sys.argv[2]))
at = {"host": "127.0.0.1", "port": int(sys.argv[1]), "timeout_keep_alive": 600}
uvicorn.run(api, **at, log_level="critical", lifespan="off")
"""


def listens(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def provider(port: int, used: int) -> Iterator[subprocess.Popen[bytes]]:
    """A process of its own that knows what was used before, until the block kills it."""
    process = subprocess.Popen([sys.executable, "-c", SERVER, str(port), str(used)])
    try:
        patiently(lambda: listens(port), 60.0)
        yield process
    finally:
        process.kill()
        process.wait(20)


def test_killing_the_provider_costs_no_wrong_approval(
    tmp_path: Path, running: Callable[..., Any]
) -> None:
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))  # nobody is given this port, and who names it has it
    port = held.getsockname()[1]
    words = ("--provider", "openai", "--upstream", f"http://127.0.0.1:{port}", "--max-wait", "0")
    with (
        held,
        desks(tmp_path, POLICY) as begin,
        running(*words, RATELORD_URL=begin().daemon.url) as url,
        httpx2.Client(base_url=url, timeout=60, trust_env=False) as client,
    ):

        def calls(count: int) -> list[httpx2.Response]:
            return [client.post("/v1/chat/completions", json=ASK) for _ in range(count)]

        with provider(port, 0):
            assert [one.status_code for one in calls(8)] == [200] * 8
        gone = calls(30)
        assert {one.status_code for one in gone} == {502}, "approved, not made, and given back"
        with provider(port, 8):
            after = calls(14)
    done = [one.status_code for one in after].count(200)
    assert done == 12, "what was left before, no less and no more"
    assert all(one.headers["x-ratelord-reason"] for one in after[done:]), "ratelord's own no"
