"""Fifty agents at a GitHub that enforces its limits: without ratelord it refuses many, with it none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from ratelord_core.testing.desk import patiently, question
from ratelord_core.testing.enforcing import EnforcingGithub
from ratelord_core.testing.loopback import LoopbackServer

AGENTS, CALLS, LIMIT = 50, 3, 80
POLICY = """
providers:
  github: [{{id: gh, enterprise_url: "{url}", poll_interval: 30s, workloads: true}}]
"""


@pytest.fixture
def place() -> Iterator[tuple[EnforcingGithub, str]]:
    github = EnforcingGithub({"core": LIMIT})
    with LoopbackServer(github) as server:
        yield github, server.url


async def _crowd(act: Callable[[str], Any]) -> None:
    """Every agent acts so many times, all agents at once."""

    async def agent(name: str) -> None:
        for _ in range(CALLS):
            await act(name)

    async with asyncio.TaskGroup() as tasks:
        for number in range(AGENTS):
            tasks.create_task(agent(f"agent:{number}"))


def _client(url: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=url, timeout=60)


def test_ratelord_spares_fifty_agents_every_refusal(start: Any, place: Any) -> None:
    github, url = place

    async def without() -> None:
        async with _client(url) as api:
            await _crowd(lambda _: api.get("/api/v3/repos/a/b/issues/1"))

    asyncio.run(without())
    assert github.refused == {"core": AGENTS * CALLS - LIMIT}, "many, without"

    github.refused.clear()
    github.primary.windows["core"].used = 0
    github.accepted = 0
    desk = start(POLICY.format(url=url))
    patiently(lambda: [one for one in desk.pools() if one["limit"] == LIMIT])

    async def governed() -> None:
        async with _client(url) as api, _client(desk.daemon.url) as daemon:

            async def act(name: str) -> None:
                body = question(agent_id=name, workload_id="github:get_issue", max_wait_seconds=0)
                answer = (await daemon.post("/v1/intent", json=body)).json()
                if not answer["allowed"]:
                    return
                called = await api.get("/api/v3/repos/a/b/issues/1")
                assert called.status_code == 200
                place = f"/v1/intents/{answer['intent_id']}/report"
                told = await daemon.post(place, json={"outcome": "success"})
                assert told.is_success

            await _crowd(act)

    asyncio.run(governed())
    assert github.refused == {}, "none, with ratelord"
    assert github.accepted > LIMIT // 2, "and hardly less was done"
