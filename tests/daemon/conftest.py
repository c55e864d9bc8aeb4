"""Real daemons in processes of their own, and who asks them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ratelord_core.testing.crowd import Crowd
from ratelord_core.testing.desk import Desk, desks, patiently, run_command

# No hold ends by itself while a test counts them, however slow the machine is.
POLICY = """
settings: {hold_ttl: 10m}
providers:
  mock: [{id: mock, poll_interval: 1h, pools: {default: {limit: 100000, window: {kind: fixed, every: 1h}}}}]
"""


def may_grow(limit: int, pid: int = 0) -> None:
    """Let no file of a process grow beyond so many bytes; as a full disk would not."""
    import resource

    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (min(limit, hard) if hard >= 0 else limit, hard))


@pytest.fixture
def command() -> Callable[..., Any]:
    """The command line."""
    return run_command


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
