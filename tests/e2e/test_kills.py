"""Crashes under load, at any moment: what was acknowledged is there, once, and nothing is promised
twice."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest

from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_core.testing.desk import patiently
from ratelord_core.testing.nursery import born

KILLS = int(os.environ.get("RATELORD_TEST_KILLS", "40"))
OF_FRESH_PROCESSES = KILLS // 20
"""The others are forks."""
AT_BIRTH = 5
"""Of so many forks, one is killed while it starts."""
AGENTS = 4

POLICY = """
providers:
  mock:
    - {id: mock, poll_interval: 1h, pools: {requests: {limit: 1500, window: {kind: fixed, every: 2h}}}}
pools:
  - {id: team/tokens, unit: tokens, limit: 60000, window: {kind: fixed, every: 2h}}
  - {id: team/rate, limit: 40, window: {kind: sliding, every: 1s}}
  - {id: team/flow, limit: 50, window: {kind: bucket, every: 1s, burst: 60}}
  - {id: team/parallel, limit: 200, window: {kind: concurrency}}
  - {id: team/turn, limit: 1, window: {kind: sliding, every: 30m}, shared_by: ["workload:patient"]}
settings: {hold_ttl: 4s, concurrency_ttl: 5s}
"""
LASTING = ("mock/requests", "team/tokens")


class Agent:
    """Asks and reports, whoever answers; what it was not answered it asks again, by the same key."""

    def __init__(self, number: int) -> None:
        self.name = f"agent:{number}"
        self._dice = random.Random(number)
        self._asked = 0
        self._unanswered: dict[str, Any] | None = None
        self._unreported: tuple[str, dict[str, Any]] | None = None
        self.answers: dict[str, dict[str, Any]] = {}
        self.reported: set[str] = set()

    async def live(self, client: httpx2.AsyncClient, heard: asyncio.Semaphore) -> None:
        """Until the daemon is gone. ``heard`` is released with each new answer."""
        try:
            if self.answers and self._dice.random() < 0.3:
                await self._remember(client)
            while True:
                await self._ask(client, heard)
        except httpx2.TransportError:
            return

    async def _remember(self, client: httpx2.AsyncClient) -> None:
        """The last answer is given again, by whoever is there now."""
        key, before = list(self.answers.items())[-1]
        reply = await client.post("/v1/intent", json=self._body(key, before["costs"]))
        if reply.status_code == 200:
            assert reply.json() == before["answer"]
        else:
            assert reply.json()["code"] in {"approval_lapsed", "starting"}, reply.text

    def _body(self, key: str, costs: dict[str, int]) -> dict[str, Any]:
        return {
            "agent_id": self.name,
            "identity_id": "key:team",
            "workload_id": "complete",
            "scope_id": "repo:acme/api",
            "urgency": "high",
            "costs": costs,
            "max_wait_seconds": 1,
            "idempotency_key": key,
        }

    async def _ask(self, client: httpx2.AsyncClient, heard: asyncio.Semaphore) -> None:
        if self._unreported is not None:
            await self._report(client, *self._unreported)
        if self._unanswered is None:
            self._asked += 1
            costs = {"team/tokens": self._dice.randrange(1, 60)}
            self._unanswered = self._body(f"{self.name}/{self._asked}", costs)
        body = self._unanswered
        reply = await client.post("/v1/intent", json=body)
        if reply.status_code == 503:
            assert reply.json()["code"] == "starting", reply.text
            await asyncio.sleep(0.01)
            return
        self._unanswered = None
        if reply.status_code == 409:  # it was decided, the answer was lost, and it has lapsed since
            assert reply.json()["code"] == "approval_lapsed", reply.text
            return
        assert reply.status_code == 200, reply.text
        answer = reply.json()
        self.answers[body["idempotency_key"]] = {"answer": answer, "costs": body["costs"]}
        heard.release()
        if answer["allowed"] and self._dice.random() < 0.6:
            costs = {"team/tokens": self._dice.randrange(0, 60)}
            await self._report(client, answer["intent_id"], {"costs": costs})

    async def _report(
        self, client: httpx2.AsyncClient, intent_id: str, body: dict[str, Any]
    ) -> None:
        self._unreported = (intent_id, body)
        reply = await client.post(f"/v1/intents/{intent_id}/report", json=body)
        assert reply.status_code == 200, reply.text
        self._unreported = None
        self.reported.add(intent_id)


class Moment(NamedTuple):
    """When to kill: after so many answers, however long they take, and so many seconds more."""

    answers: int
    seconds: float


async def _load(agents: list[Agent], url: str, crash: Callable[[], None], moment: Moment) -> None:
    """All ask at once until the crash, and have noticed it when this returns."""
    heard = asyncio.Semaphore(0)
    async with httpx2.AsyncClient(base_url=url, timeout=60) as client:
        living = asyncio.gather(*(agent.live(client, heard) for agent in agents))
        counting = asyncio.create_task(_hear(heard, moment.answers))
        await asyncio.wait({living, counting}, return_when="FIRST_COMPLETED")
        await asyncio.sleep(moment.seconds)
        await asyncio.to_thread(crash)
        counting.cancel()
        await living


async def _hear(heard: asyncio.Semaphore, answers: int) -> None:
    for _ in range(answers):
        await heard.acquire()


@pytest.fixture
def agents() -> list[Agent]:
    return [Agent(number) for number in range(AGENTS)]


@pytest.fixture
def moments() -> Iterator[Moment]:
    """When to kill."""
    dice = random.Random(7)
    return iter(lambda: Moment(dice.randrange(1, 20), dice.uniform(0.0, 0.03)), None)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.promise("D-02", "F-13")
def test_kills_under_load_lose_nothing_and_promise_nothing_twice(
    tmp_path: Path,
    agents: list[Agent],
    moments: Iterator[Moment],
    audit: Callable[[str], Any],
    live: Callable[[str], Any],
    replayed: Callable[..., Any],
    one_of_each: Callable[..., Any],
    verified: Callable[..., Any],
) -> None:
    daemon = DaemonProcess(tmp_path, policy=POLICY, fresh=True)
    with daemon:
        _until_open(daemon.url)
        answers = one_of_each(daemon.url, {"team/tokens": 60_001})
        daemon.kill()
    heard = 0
    for moment in islice(moments, OF_FRESH_PROCESSES):
        daemon.start()
        asyncio.run(_load(agents, daemon.url, daemon.kill, moment))
        heard += moment.answers
    fork = DaemonProcess(tmp_path, early=True)
    for number, moment in enumerate(islice(moments, KILLS - OF_FRESH_PROCESSES)):
        if number % AT_BIRTH == 0:
            _kill_at_birth(daemon, moment.seconds * 3)
            continue
        fork.start()
        asyncio.run(_load(agents, fork.url, fork.kill, moment))
        heard += moment.answers

    with daemon.start():
        _until_open(daemon.url)
        instant, pools = live(daemon.url)
        assert replayed(daemon.db, instant, pools) == pools
        log = audit(daemon.url)
        assert verified(daemon.db).returncode == 0
        before = live(daemon.url)[1]
        daemon.kill()
        daemon.start()
        _until_open(daemon.url)
        after = live(daemon.url)[1]

    assert {key: _lasting(before[key]) for key in LASTING} == {
        key: _lasting(after[key]) for key in LASTING
    }
    assert log.faults == []
    answers += [kept["answer"] for agent in agents for kept in agent.answers.values()]
    assert [fault for answer in answers for fault in log.disagreements(answer)] == []
    assert len({answer["intent_id"] for answer in answers}) == len(answers) >= heard
    assert {name for agent in agents for name in agent.reported} <= set(log.reported)
    assert len(log.keys) == len(log.decided)
    assert set(log.outcomes) == {"approve", "approve_with_modifications", "deny_with_reason"}
    assert "Traceback" not in daemon.log


def _kill_at_birth(daemon: DaemonProcess, seconds: float) -> None:
    """Begin a daemon on the same files, and end it as a crash does, perhaps before it is ready."""
    words = ["up", "--port", "0", "--db", str(daemon.db), "--policy", str(daemon.policy)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RATELORD_")}
    log = daemon.folder / "daemon.log"
    child = born(words, clean, daemon.folder, log, log)
    assert child is not None, "only where processes can be forked"
    time.sleep(seconds)
    child.kill()
    child.wait(60)


def _lasting(figures: dict[str, Any]) -> dict[str, Any]:
    """What a start must not change. A hold that lapses meanwhile is used from then on."""
    names = ("limit", "scheduled", "available", "unit", "reset_at")
    shares = [{one["id"]: one["used"] + one["held"] for one in kind} for kind in figures["shares"]]
    spent = {"spent": figures["used"] + figures["held"], "shares": shares}
    return {name: figures[name] for name in names} | spent


def _until_open(url: str) -> None:
    patiently(lambda: httpx2.get(url + "/v1/health/ready", timeout=60).is_success)
