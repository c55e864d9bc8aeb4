"""A real morning of requests, played by many agents at once, and what the log says of it."""

from __future__ import annotations

import asyncio
import csv
import gzip
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_core.testing.desk import patiently

TRACE = Path(__file__).parents[1] / "data" / "llm_requests.csv.gz"
AGENTS = 60
REQUESTS = 750
FASTER = 22.0
"""How much faster than in life the trace is played."""

POLICY = """
providers:
  mock:
    - id: llm
      pools:
        requests: {limit: 110, window: {kind: fixed, every: 3s}}
        tokens: {unit: tokens, limit: 250000, window: {kind: bucket, every: 3s, burst: 300000}}
pools:
  - {id: team/rate, limit: 90, window: {kind: sliding, every: 2s}}
  - {id: team/parallel, limit: 24, window: {kind: concurrency}}
  - {id: team/turn, limit: 1, window: {kind: sliding, every: 30m}, shared_by: ["workload:patient"]}
settings: {hold_ttl: 2s, concurrency_ttl: 3s}
"""


class Agent:
    """Asks before it acts, waits as it is told, and reports, more or less conscientiously."""

    def __init__(self, number: int, client: httpx2.AsyncClient) -> None:
        self.name = f"agent:{number}"
        self._client = client
        self._dice = random.Random(number)
        self._asked = 0
        self.answers: list[dict[str, Any]] = []
        self.reports: list[tuple[str, dict[str, Any]]] = []
        self.unreported: list[str] = []

    async def live(self, requests: list[tuple[float, int, int]], start: float) -> None:
        for at, tokens_in, tokens_out in requests:
            await asyncio.sleep(max(0.0, start + at / FASTER - time.monotonic()))
            answer = await self._ask(tokens_in)
            if not answer["allowed"]:
                continue
            wait = _instant(answer["start_at"]) - time.time()
            await asyncio.sleep(max(0.0, wait) + tokens_out / 4000)
            await self._settle(answer["intent_id"], tokens_in + tokens_out)

    async def _ask(self, tokens_in: int) -> dict[str, Any]:
        self._asked += 1
        body = {
            "agent_id": self.name,
            "identity_id": "key:team",
            "workload_id": "complete",
            "scope_id": "repo:acme/api",
            "urgency": self._dice.choice(["high", "normal", "normal", "background"]),
            "costs": {"llm/tokens": tokens_in + 40},
            "max_wait_seconds": 3,
            "idempotency_key": f"{self.name}/{self._asked}",
        }
        times = self._dice.choices([1, 2, 3], [85, 10, 5])[0]
        replies = await asyncio.gather(
            *(self._client.post("/v1/intent", json=body) for _ in range(times))
        )
        answers = [reply.json() for reply in replies if reply.is_success]
        others = {reply.json()["code"] for reply in replies if not reply.is_success}
        assert others <= {"approval_lapsed"}, "asked again when it was over, on a slow machine"
        assert answers == answers[:1] * len(answers) != []
        self.answers.append(answers[0])
        return answers[0]

    async def _settle(self, intent_id: str, tokens: int) -> None:
        kind = self._dice.choices(
            ["exact", "over", "cancelled", "error", "never"], [70, 8, 9, 5, 8]
        )[0]
        if kind == "never":
            self.unreported.append(intent_id)
            return
        body: dict[str, Any] = {"outcome": kind if kind in {"cancelled", "error"} else "success"}
        if kind in {"exact", "over"}:
            body["costs"] = {"llm/tokens": tokens * (3 if kind == "over" else 1)}
        await self.report(intent_id, body)
        if self._dice.random() < 0.1:
            await self.report(intent_id, body, duplicate=True)

    async def report(
        self, intent_id: str, body: dict[str, Any], *, duplicate: bool = False
    ) -> dict[str, Any]:
        reply = await self._client.post(f"/v1/intents/{intent_id}/report", json=body)
        assert reply.status_code == 200, reply.text
        told = dict(reply.json())
        assert told["duplicate"] is duplicate
        self.reports.append((intent_id, told))
        return told


def _instant(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


def _requests() -> list[list[tuple[float, int, int]]]:
    """The trace, dealt to the agents as its requests came."""
    dealt: list[list[tuple[float, int, int]]] = [[] for _ in range(AGENTS)]
    with gzip.open(TRACE, "rt", encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(file)):
            if number == REQUESTS:
                break
            line = (
                float(row["seconds_since_start"]),
                int(row["tokens_in"]),
                int(row["tokens_out"]),
            )
            dealt[number % AGENTS].append(line)
    return dealt


async def _play(url: str) -> list[Agent]:
    limits = httpx2.Limits(max_connections=AGENTS, max_keepalive_connections=AGENTS)
    async with httpx2.AsyncClient(base_url=url, timeout=60, limits=limits) as client:
        agents = [Agent(number, client) for number in range(AGENTS)]
        start = time.monotonic()
        await asyncio.gather(
            *(agent.live(line, start) for agent, line in zip(agents, _requests(), strict=True))
        )
        late = [(agent, name) for agent in agents for name in agent.unreported[:1]]
        for agent, name in late[: AGENTS // 4]:
            await agent.report(name, {"outcome": "success", "costs": {"llm/tokens": 10}})
    return agents


@pytest.mark.slow
@pytest.mark.promise("F-05", "F-12")
def test_a_real_trace_is_decided_within_every_limit_and_written_as_it_was_answered(
    tmp_path: Path,
    audit: Callable[[str], Any],
    live: Callable[[str], Any],
    replayed: Callable[..., Any],
    one_of_each: Callable[..., Any],
    verified: Callable[..., Any],
) -> None:
    with DaemonProcess(tmp_path, policy=POLICY) as daemon:
        _until_open(daemon.url)
        answers = one_of_each(daemon.url, {"llm/tokens": 300_001})
        agents = asyncio.run(_play(daemon.url))

        instant, pools = live(daemon.url)
        assert replayed(daemon.db, instant, pools) == pools
        log = audit(daemon.url)
        proof = verified(daemon.db)
        assert daemon.stop() == 0

    answers += [answer for agent in agents for answer in agent.answers]
    assert log.faults == []
    assert [fault for answer in answers for fault in log.disagreements(answer)] == []
    assert len(answers) == len(log.decided) == REQUESTS + 3
    assert set(log.outcomes) == {"approve", "approve_with_modifications", "deny_with_reason"}
    told = [name for agent in agents for name, _ in agent.reports]
    assert set(log.reported) == set(told)
    assert proof.returncode == 0, proof.stderr
    _leaks_nothing(agents, log)


def _until_open(url: str) -> None:
    patiently(lambda: httpx2.get(url + "/v1/health/ready", timeout=60).is_success)


def _leaks_nothing(agents: list[Agent], log: Any) -> None:
    """Every hold ended in one way: reported, expired, or still running when the log was read."""
    held = {name for name, event in log.decided.items() if event["payload"].get("holds")}
    ended = set(log.reported) | {name for name, _ in log.announced}
    running = {name for pool in log.pools.values() for name in pool.legs}
    unwritten = {name for name, _ in log.lapsed} - ended  # expired just before the log was read
    assert held == ended | running | unwritten
