"""Real daemons in processes of their own, and who asks them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ratelord_core.testing.crowd import Crowd
from ratelord_core.testing.desk import Desk, desks, patiently, run_command

POLICY = """
providers:
  mock: [{id: mock, poll_interval: 1h, pools: {default: {limit: 100000, window: {kind: fixed, every: 1h}}}}]
"""


class Incubator:
    """Runs ``ratelord`` commands, each in a process of its own that need not load anything."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        clean = {k: v for k, v in os.environ.items() if not k.startswith("RATELORD_")}
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("incubator.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env=clean | {"OPENBLAS_NUM_THREADS": "1"},
        )

    def __call__(self, *words: str, limit: int | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command; ``limit``: no file may grow beyond so many bytes."""
        output = [self._folder / "output", self._folder / "error"]
        order = {"words": words, "limit": limit, "output": [str(path) for path in output]}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        return subprocess.CompletedProcess(words, code, *(path.read_text() for path in output))

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()


def may_grow(limit: int, pid: int = 0) -> None:
    """Let no file of a process grow beyond so many bytes; as a full disk would not."""
    import resource

    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (min(limit, hard) if hard >= 0 else limit, hard))


@pytest.fixture
def command() -> Callable[..., Any]:
    """The command line."""
    return run_command


@pytest.fixture(scope="session")
def incubator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Incubator]:
    """The command line, quick to start; a daemon that it starts must fail to."""
    incubator = Incubator(tmp_path_factory.mktemp("incubator"))
    yield incubator
    incubator.close()


@pytest.fixture
def disk() -> Callable[..., None]:
    """Sets how far the files of a process may grow."""
    return may_grow


@pytest.fixture
def crowd() -> type[Crowd]:
    """People who ask without end."""
    return Crowd


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    """Starts a daemon on the test's folder; whatever still runs ends with the test."""
    with desks(tmp_path, POLICY) as begin:
        yield begin


@pytest.fixture
def until() -> Callable[..., Any]:
    """Looks again until something is so, or too long."""
    return patiently
