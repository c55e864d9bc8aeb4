"""A past to look back on: a log that the engine wrote while a recorded crowd asked."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from heapq import heappop, heappush
from pathlib import Path
from typing import Any

import pytest

from ratelord_core import parts
from ratelord_core.engine.overrider import Denial
from ratelord_core.hindsight.backtest import Terms, backtest
from ratelord_core.model.instant import SECOND
from ratelord_core.testing.table import Table

TRACE = Path(__file__).parents[1] / "data" / "llm_requests.csv.gz"
RULES = """\
settings: {forecast_model: linear}
providers:
  mock:
    - id: openai-prod
      pools: {tokens: {limit: 400000, unit: tokens, window: {kind: fixed, every: 1m}}}
workloads: {chat: {consumes: {openai-prod/tokens: 1}}}
scopes: {repo:acme/*: org:acme, org:acme: global}
pricing: {openai-prod: {tokens: 3000}}
policies:
  - id: safety
    rules:
      - name: shed
        condition: "risk.p_exhaustion > 0.99 && intent.urgency == 'background'"
        action: deny
        params: {reason: shedding load}
"""
URGENCIES = ("normal", "high", "normal", "background")


class Past(Table):
    """A log being written."""

    def __init__(self, policy: str = RULES) -> None:
        self.text = policy
        self.parts = parts.load()
        super().__init__(policy)

    def configure(self, policy: str) -> None:
        """Bring a policy and the pools of its providers into force."""
        stack = self._load(policy)
        self.engine.configure(stack, self.parts.pools(stack.document), self.now)
        self._commit()

    def overrule(self, denial: Denial) -> None:
        """A human allows once what a rule denied."""
        self.engine.overrider.override(denial, "ann", "it cannot wait", self.now, "test")
        self._commit()

    def backtest(self, policy: str, **terms: Any) -> dict[str, Any]:
        """What a policy would have changed."""
        stack = self.parts.policy(policy, "candidate.yaml")
        return backtest(self.store, stack, self.parts, Terms(**terms))


def follow(past: Past, questions: int) -> Past:
    """Let a crowd ask what the trace tells, and report a few seconds later."""
    start, due, looked = past.now, list[tuple[int, str, float]](), 0
    rows = csv.DictReader(io.StringIO(gzip.decompress(TRACE.read_bytes()).decode()))
    for number, row in zip(range(questions), rows, strict=False):
        at = start + int(float(row["seconds_since_start"]) * SECOND)
        while due and due[0][0] <= at:
            when, intent_id, units = heappop(due)
            past.clock.move_to(when)
            past.report(intent_id, actual_cost=units)
        past.clock.move_to(at)
        if at - looked >= SECOND // 4:
            looked = at
            past.pass_time(0)
        units = float(row["tokens_in"]) + float(row["tokens_out"])
        answer = past.ask(
            "chat",
            agent_id=f"agent-{number % 7}",
            identity_id="key:prod",
            scope_id=f"repo:acme/{number % 3}",
            expected_cost=units * 1.2,
            urgency=URGENCIES[number % 4],
        )
        if answer.start_at is not None:
            later = (1 + number % 9) * SECOND
            heappush(due, (answer.start_at + later, answer.intent_id, units))
    return past


@pytest.fixture(scope="session")
def traced() -> Past:
    """1,500 questions of a recorded crowd. Tests must not write to it."""
    return follow(Past(), 1500)


@pytest.fixture
def begin() -> Callable[..., Past]:
    """Begins a past of one's own."""
    return Past
