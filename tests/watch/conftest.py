"""What every test of the watcher needs: a stage, a notebook of what the sink heard, a watcher."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import anyio
import pytest

from ratelord_core.clock import SeededEntropy
from ratelord_core.provider import PollRequest
from ratelord_core.testing.stage import Stage
from ratelord_core.watch import Load, Watcher


class Notebook:
    """A sink that writes down what it is told; ``broken`` makes it fail, as a full disk would."""

    def __init__(self) -> None:
        self.lines: list[tuple[Any, ...]] = []
        self.states: dict[str, str] = {}
        self.settled: dict[str, int] = {}
        self.broken = False
        self.loads: dict[str, Load] = {}

    def poll_request(self, account_id: str) -> PollRequest:
        return PollRequest(self.states.get(account_id, ""), self.settled)

    def load(self, account_id: str, interval: int) -> Load:
        return self.loads.get(account_id, Load())

    async def polled(self, account_id, identity_id, plugin, version, result, next_poll) -> None:
        if self.broken:
            raise OSError("disk full")
        self.states[account_id] = result.state
        self.lines.append(("polled", account_id, identity_id, plugin, version, result, next_poll))

    async def failed(
        self, account_id, identity_id, plugin, version, error, failures, next_poll
    ) -> None:
        self.lines.append(("failed", account_id, error.kind, str(error), failures, next_poll))

    async def state_changed(self, account_id, before, after, reason) -> None:
        self.lines.append(("state", account_id, before, after, reason))

    async def unauthorized(self, identity_id) -> None:
        self.lines.append(("unauthorized", identity_id))

    def of(self, kind: str) -> list[tuple[Any, ...]]:
        return [line[1:] for line in self.lines if line[0] == kind]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


@pytest.fixture
def watcher(stage: Stage, notebook: Notebook) -> Watcher:
    return Watcher(notebook, stage.clock, SeededEntropy(7), sleep=stage.sleep)


@pytest.fixture
def running(watcher: Watcher, stage: Stage) -> Callable[[], AbstractAsyncContextManager[None]]:
    """``async with running():`` the watcher runs, and has begun."""

    @asynccontextmanager
    async def run() -> AsyncIterator[None]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watcher.run)
            await stage.settle()
            yield
            tasks.cancel_scope.cancel()

    return run
