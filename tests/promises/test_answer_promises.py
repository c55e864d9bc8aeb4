"""Answers: approve, wait, deny; each written down before it is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

Start = Callable[..., Any]

RULES = """
pools:
  - {id: budget/all, unit: requests, limit: 1000, window: {kind: fixed, every: 1h}, shared_by: ["*"]}
policies:
  - id: house-rules
    scope: global
    type: hard
    rules:
      - {name: slow-lane, condition: "intent.workload_id == 'crawl'", action: shape, params: {wait_seconds: 2.5}}
      - {name: no-mining, condition: "intent.workload_id == 'mine'", action: deny, params: {reason: "not here"}}
"""


@pytest.mark.promise("A-01")
def test_an_intent_with_room_is_approved_and_logged(start: Start) -> None:
    desk = start()

    answer = desk.ask()

    assert answer["decision"] == answer["status"] == "approve"
    assert answer["allowed"] is True
    assert answer["modifications"] == {}
    assert [hold["units"] for hold in answer["holds"]] == [1]
    kinds = [
        event["event_type"]
        for event in desk.events()
        if answer["intent_id"] in (event["event_id"], event["correlation"]["correlation_id"])
    ]
    assert kinds == ["intent_submitted", "intent_decided"]


@pytest.mark.promise("A-02")
def test_an_answer_under_light_load_waits_for_its_own_commit_only(start: Start) -> None:
    """How long that takes is measured by the benchmark, against what the disk can do."""
    desk = start(RULES)
    seen = len(desk.events())
    before = _commits(desk)

    for _ in range(50):
        desk.ask()

    commits = _commits(desk) - before
    kinds = [event["event_type"] for event in desk.events()[seen:]]
    its_own = [kind for kind in kinds if kind not in {"intent_submitted", "intent_decided"}]
    assert 50 <= commits <= 50 + len(its_own), "one each, and what the daemon itself writes down"


@pytest.mark.promise("A-03")
def test_a_policy_that_shapes_makes_the_asker_wait(start: Start) -> None:
    answer = start(RULES).ask(workload_id="crawl")

    assert answer["decision"] == "approve_with_modifications"
    assert answer["modifications"]["wait_seconds"] == pytest.approx(2.5, abs=0.1)
    assert answer["start_at"]
    assert answer["decided_by"] == {"policy_id": "house-rules", "rule": "slow-lane"}


@pytest.mark.promise("A-04")
def test_a_hard_rule_denies_and_is_cited(start: Start) -> None:
    answer = start(RULES).ask(workload_id="mine")

    assert answer["decision"] == "deny_with_reason"
    assert answer["reason_code"] == "policy"
    assert "house-rules" in answer["reason"]
    assert "no-mining" in answer["reason"]
    assert answer["holds"] == []


@pytest.mark.promise("F-08")
def test_a_repeated_key_gets_the_first_answer(start: Start) -> None:
    desk = start()
    body = {
        "agent_id": "a",
        "identity_id": "i",
        "workload_id": "w",
        "scope_id": "s",
        "idempotency_key": "k",
    }

    first = desk.post("/v1/intent", body).json()
    again = desk.post("/v1/intent", body).json()
    other = desk.post("/v1/intent", body | {"expected_cost": 7})

    assert again["intent_id"] == first["intent_id"]
    assert desk.pool()["held"] == 1
    assert other.status_code == 409
    assert other.headers["content-type"].startswith("application/problem+json")


@pytest.mark.promise("F-09")
def test_a_report_settles_what_was_held(start: Start) -> None:
    desk = start()
    done, dropped = desk.ask(expected_cost=5), desk.ask(expected_cost=5)

    desk.post(f"/v1/intents/{done['intent_id']}/report", {"outcome": "success", "actual_cost": 3})
    desk.post(f"/v1/intents/{dropped['intent_id']}/report", {"outcome": "cancelled"})

    pool = desk.pool()
    assert (pool["used"], pool["held"], pool["available"]) == (3, 0, 97)


def _commits(desk: Any) -> int:
    with httpx2.Client(base_url=desk.daemon.url, timeout=60) as client:
        page = client.get("/metrics").text
    line = next(
        line for line in page.splitlines() if line.startswith("ratelord_journal_commits_total")
    )
    return int(float(line.split()[1]))
