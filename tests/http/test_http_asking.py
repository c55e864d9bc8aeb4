"""Asking, reporting, extending and asking why, over a real socket."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

Ask = Callable[..., dict[str, Any]]
Problem = Callable[..., dict[str, Any]]
IDS = {"agent_id": "a:1", "identity_id": "i:1", "workload_id": "scan", "scope_id": "repo:x/y"}
FIELDS = {
    "intent_id",
    "decision",
    "status",
    "allowed",
    "reason_code",
    "reason",
    "modifications",
    "start_at",
    "alternatives",
    "decided_by",
    "warnings",
    "retry_after_seconds",
    "valid_until",
    "holds",
    "evaluation",
    "trace",
}


def held(client: httpx2.Client, pool: str = "default") -> int:
    """What is promised, now or for later: a start that was made to wait comes while tests count."""
    found = client.get(f"/v1/pools/mock/{pool}").json()
    return int(found["held"]) + int(found["scheduled"])


def test_an_intent_with_room_is_approved_with_every_documented_field(client, ask: Ask):
    before = held(client)
    decision = ask(costs={"mock/default": 2.5}, client_context={"secret": "x"})

    assert set(decision) >= FIELDS
    assert decision["decision"] == decision["status"] == "approve"
    assert decision["allowed"] is True
    assert decision["modifications"] == {}
    assert decision["trace"] == []
    (hold,) = decision["holds"]
    assert (hold["provider_id"], hold["pool_id"], hold["units"]) == ("mock", "default", 3)
    assert held(client) == before + 3


def test_of_the_run_that_an_asker_names_only_a_digest_is_kept(client, ask: Ask):
    context = {"run_id": "run-of-somebody", "task_id": 7, "secret": "x"}
    first, second = ask(client_context=context), ask(client_context=context)
    events = client.get("/v1/events", params={"type": "intent_submitted"}).text
    said = {
        event["payload"].get("run")
        for event in json.loads(events)
        if event["event_id"] in {first["intent_id"], second["intent_id"]}
    }
    assert len(said) == 1
    assert re.fullmatch("[0-9a-f]{16}", said.pop())
    assert "run-of-somebody" not in events


def test_every_optional_field_may_be_null(client):
    names = (
        "urgency expected_cost costs provider_id pool_id model duration_hint max_wait_seconds "
        "idempotency_key renews dry_run debug client_context"
    )
    answer = client.post("/v1/intent", json=IDS | dict.fromkeys(names.split()))
    assert answer.status_code == 200
    assert "x-ratelord-warning" not in answer.headers


def test_a_denial_is_an_answer_that_names_its_rule(ask: Ask):
    decision = ask(workload_id="forbidden", debug=True)

    assert decision["decision"] == "deny_with_reason"
    assert decision["allowed"] is False
    assert decision["decided_by"] == {"policy_id": "house", "rule": "no-forbidden-work"}
    assert decision["holds"] == []
    step = next(one for one in decision["trace"] if one["rule"] == "no-forbidden-work")
    assert step["result"] is True
    assert step["condition"] == "intent.workload_id == 'forbidden'"


def test_a_wait_is_a_modification_with_the_moment_it_ends(ask: Ask):
    decision = ask(workload_id="hasty")

    assert decision["decision"] == "approve_with_modifications"
    assert decision["modifications"]["wait_seconds"] >= 1.5
    assert decision["start_at"] > decision["evaluation"]["as_of_ts"]


def test_an_empty_pool_denies_and_says_when_to_come_back(ask: Ask):
    decision = ask(workload_id="little", expected_cost=11, max_wait_seconds=0)

    assert decision["decision"] == "deny_with_reason"
    assert decision["retry_after_seconds"] is None or decision["retry_after_seconds"] >= 1


def test_a_dry_run_holds_nothing_and_writes_nothing(client, ask: Ask):
    before, seq = held(client), client.get("/v1/health").json()["seq"]
    assert ask(dry_run=True, expected_cost=5)["allowed"]
    assert held(client) == before
    written = client.get("/v1/events", params={"after": seq, "order": "asc"}).json()
    assert not [event for event in written if event["event_type"].startswith("intent_")]


def test_unknown_fields_are_ignored_with_a_warning(client):
    answer = client.post("/v1/intent", json=IDS | {"colour": "red"})
    assert answer.status_code == 200
    assert answer.headers["x-ratelord-warning"] == "unknown fields ignored: colour"


def test_a_repeated_key_gets_the_first_answer_and_holds_nothing_twice(client, ask: Ask):
    key = uuid.uuid4().hex
    before = held(client)
    first, second = ask(idempotency_key=key), ask(idempotency_key=key)

    assert first["intent_id"] == second["intent_id"]
    assert held(client) == before + 1


def test_a_key_may_come_as_a_header(client):
    key = {"idempotency-key": f'"{uuid.uuid4()}"'}
    first = client.post("/v1/intent", json=IDS, headers=key).json()
    second = client.post("/v1/intent", json=IDS, headers=key).json()
    assert first["intent_id"] == second["intent_id"]


def test_a_key_with_another_question_is_a_conflict(client, ask: Ask, problem: Problem):
    key = uuid.uuid4().hex
    ask(agent_id="a:1", idempotency_key=key)
    other = client.post("/v1/intent", json=IDS | {"idempotency_key": key, "expected_cost": 7})
    problem(other, 409)


def test_a_duplicate_that_arrives_meanwhile_gets_the_same_answer(client):
    body = IDS | {"idempotency_key": uuid.uuid4().hex}
    with ThreadPoolExecutor(8) as many:
        answers = list(many.map(lambda _: client.post("/v1/intent", json=body).json(), range(16)))
    assert len({answer["intent_id"] for answer in answers}) == 1


def test_an_unknown_pin_is_refused(client, problem: Problem):
    pinned = IDS | {"provider_id": "nobody", "pool_id": "nothing"}
    problem(client.post("/v1/intent", json=pinned), 400)


def test_a_batch_is_answered_in_order(client):
    asked = [IDS | {"agent_id": f"a:{number}"} for number in range(20)]
    asked[7]["workload_id"] = "forbidden"
    answer = client.post("/v1/intents/batch", json={"intents": asked})

    assert answer.status_code == 200
    decisions = answer.json()["decisions"]
    assert [one["allowed"] for one in decisions] == [number != 7 for number in range(20)]
    assert len({one["intent_id"] for one in decisions}) == 20


def test_a_batch_with_one_fault_decides_nothing(client, problem: Problem):
    before, seq = held(client), client.get("/v1/health").json()["seq"]
    wrong = {"intents": [IDS, IDS | {"agent_id": "no id"}, IDS | {"expected_cost": -1}]}
    found = problem(client.post("/v1/intents/batch", json=wrong), 400, "invalid_request")

    places = ["intents[1].agent_id", "intents[2].expected_cost"]
    assert [error["field"] for error in found["errors"]] == places
    assert held(client) == before
    written = client.get("/v1/events", params={"after": seq, "order": "asc"}).json()
    assert not [event for event in written if event["event_type"].startswith("intent_")]


def test_a_batch_names_every_pin_that_leads_nowhere(client, problem: Problem):
    before = held(client)
    astray = IDS | {"provider_id": "nobody", "pool_id": "nothing"}
    wrong = {"intents": [astray, IDS, IDS | {"pool_id": "nobody/nothing"}]}
    found = problem(client.post("/v1/intents/batch", json=wrong), 400, "unknown_pin")

    places = ["intents[0].pool_id", "intents[2].pool_id"]
    assert [error["field"] for error in found["errors"]] == places
    assert held(client) == before


@pytest.mark.parametrize("size", [0, 1000])
def test_a_batch_may_be_empty_or_large(client, size):
    dry = IDS | {"dry_run": True}
    answer = client.post("/v1/intents/batch", json={"intents": [dry] * size})
    assert len(answer.json()["decisions"]) == size


def test_a_batch_may_not_be_larger(client, problem: Problem):
    problem(client.post("/v1/intents/batch", json={"intents": [IDS] * 1001}), 400)


def test_a_report_settles_once_and_a_different_one_is_a_conflict(
    client, ask: Ask, problem: Problem
):
    intent_id = ask(expected_cost=4)["intent_id"]
    path = f"/v1/intents/{intent_id}/report"
    report = {"outcome": "success", "actual_cost": 2, "headers": {"X-Odd": "1", "Set-Cookie": "s"}}
    first = client.post(path, json=report).json()

    assert first["intent_id"] == intent_id
    assert first["settled"] == [
        {"provider_id": "mock", "pool_id": "default", "held": 4, "settled": 2}
    ]
    assert (first["duplicate"], first["late"]) == (False, False)
    assert client.post(path, json=report).json()["duplicate"] is True
    problem(client.post(path, json=report | {"actual_cost": 3}), 409)


def test_a_cancelled_intent_frees_its_hold(client, ask: Ask):
    before = held(client)
    intent_id = ask(expected_cost=9)["intent_id"]
    client.post(f"/v1/intents/{intent_id}/report", json={"outcome": "cancelled"})
    assert held(client) == before


def test_a_hold_can_be_extended(client, ask: Ask):
    decision = ask()
    answer = client.post(f"/v1/intents/{decision['intent_id']}/extend", json={"seconds": 600})
    assert answer.status_code == 200
    assert answer.json()["expires_at"] > decision["holds"][0]["expires_at"]


def test_why_an_intent_was_answered_so_can_be_asked_later(client, ask: Ask):
    decision = ask(workload_id="forbidden")
    why = client.get(f"/v1/intents/{decision['intent_id']}").json()

    assert why["intent"]["workload_id"] == "forbidden"
    assert why["decision"]["decided_by"] == decision["decided_by"]
    assert why["decision"]["trace"]
    assert why["report"] is None
    assert why["policy_version"]
    assert why["story"]


@pytest.mark.parametrize("intent_id", ["0194f5a0-0000-7000-8000-000000000000", "nonsense", "%00"])
@pytest.mark.parametrize("verb", ["", "/report", "/extend"])
def test_an_intent_that_nobody_asked_is_not_found(client, problem: Problem, intent_id, verb):
    path = f"/v1/intents/{intent_id}{verb}"
    answer = client.post(path, json={"seconds": 5}) if verb else client.get(path)
    problem(answer, 404)


def test_numbers_seen_in_passing_reach_the_pool(client):
    seen = {"provider_id": "mock", "pool_id": "small", "limit": 10, "used": 3.0}
    answer = client.post("/v1/observations", json=seen)

    assert answer.status_code == 200
    assert answer.json() == {"accepted": 1, "pools": ["mock/small"]}
    assert client.get("/v1/pools/mock/small").json()["used"] == 3


def test_headers_seen_in_passing_are_given_to_the_provider(client, problem: Problem):
    seen = {"provider_id": "mock", "headers": {"x-nothing": "1"}}
    assert client.post("/v1/observations", json=seen).json() == {"accepted": 0, "pools": []}
    problem(client.post("/v1/observations", json=seen | {"provider_id": "nobody"}), 404)
