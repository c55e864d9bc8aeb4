"""The proxy as a process of its own, before a provider that enforces and beside a daemon."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from ratelord_core.testing.desk import Desk, desks, patiently
from ratelord_core.testing.enforcing import EnforcingOpenai
from ratelord_core.testing.loopback import LoopbackServer

_PROXY = ("-m", "ratelord_core.cli", "proxy", "--listen", "127.0.0.1:0")
POLICY = """
providers:
  openai: [{id: openai, models: {gpt-x: {requests: 40, tokens: 1000000}}}]
pools:
  - {id: openai/gpt-x/requests, window: {kind: bucket, every: 4s}}
  - {id: openai/gpt-x/tokens, window: {kind: bucket, every: 4s}}
policies:
  - id: no-go
    scope: agent:banned
    rules: [{name: banned, condition: "true", action: deny, params: {reason: "not you"}}]
  - id: once
    scope: agent:once
    limit: {amount: 1, window: {kind: fixed, every: 1h}}
"""


@pytest.fixture(scope="session")
def running() -> Callable[..., Any]:
    """``running(*words, **environment)``: ``ratelord proxy …`` for the time of a block."""
    return _running


@contextmanager
def _running(*words: str, files: int | None = None, **environment: str) -> Iterator[str]:
    """``ratelord proxy …`` until the block ends: its address. It may open so many ``files``."""
    bounded = [] if files is None else ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh"]
    clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    process = subprocess.Popen(
        [*bounded, sys.executable, *_PROXY, *words],
        stdout=subprocess.PIPE,
        text=True,
        env=clean | environment,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert "listening" in line
        at = json.loads(line)["listening"] if "--json" in words else line.rsplit(" ", 1)[1]
        yield at.strip()
    finally:
        process.terminate()
        assert process.wait(60) == 0
        process.stdout.close()


@pytest.fixture
def complaint() -> Callable[..., str]:
    """``complaint(*words, **environment)``: what a proxy says of itself on standard error."""

    def first(*words: str, **environment: str) -> str:
        process = subprocess.Popen(
            [sys.executable, *_PROXY, *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )
        assert process.stderr is not None
        try:
            return next(line for line in process.stderr if line.startswith("ratelord proxy"))
        finally:
            process.terminate()
            assert process.wait(60) == 0
            process.stderr.close()

    return first


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The daemon of a module."""
    with desks(tmp_path_factory.mktemp("proxy"), POLICY) as begin:
        yield begin()


@pytest.fixture(scope="module")
def api() -> EnforcingOpenai:
    """The provider: forty requests in four seconds. An approval is for half of that."""
    return EnforcingOpenai(requests=40, tokens=1_000_000, every=4.0)


@pytest.fixture(scope="module")
def upstream(api: EnforcingOpenai) -> Iterator[str]:
    """Where it is."""
    with LoopbackServer(api) as server:
        yield server.url


@pytest.fixture(scope="module")
def proxy(desk: Desk, upstream: str) -> Iterator[str]:
    """The proxy before it."""
    words = ("--provider", "openai", "--upstream", upstream)
    with _running(*words, RATELORD_URL=desk.daemon.url) as url:
        yield url


@pytest.fixture
def start_proxy(desk: Desk) -> Callable[..., Any]:
    """Starts another proxy, for the time of a block."""
    return lambda *words: _running(*words, RATELORD_URL=desk.daemon.url)


@pytest.fixture
def serve() -> Iterator[Callable[[Any], str]]:
    """``serve(application)``: its address."""
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(LoopbackServer(app)).url


@pytest.fixture
def until() -> Callable[..., Any]:
    """Looks again until something is so, or too long."""
    return patiently
