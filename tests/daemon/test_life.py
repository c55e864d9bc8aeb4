"""What a daemon does from its start to its end, and when its disk fails in between."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from ratelord_core.testing.desk import question

Start = Callable[..., Any]
Until = Callable[..., Any]

SLOW_PROVIDER = """
providers:
  mock: [{id: mock, failures: [{poll: 1, kind: hang}], pools: {default: {limit: 10, window: {kind: fixed, every: 1h}}}}]
"""

DENY_ALL = """
policies: [{id: closed, rules: [{name: shut, condition: "true", action: deny, params: {reason: "closed today"}}]}]
"""


def test_until_its_providers_were_asked_it_answers_starting(start: Start, until: Until) -> None:
    # It waits for them for five seconds: all is asked at once, and looked at afterwards.
    with httpx2.Client(timeout=60) as client:
        desk = start(SLOW_PROVIDER, early=True)
        client.base_url = desk.daemon.url
        early = client.post("/v1/intent", json=question())
        health, live, ready = (client.get(f"/v1/health{part}") for part in ("", "/live", "/ready"))

    assert early.status_code == 503
    assert early.json()["code"] == "starting"
    assert early.headers["retry-after"]
    assert health.json()["status"] == "initializing"
    assert live.status_code == 200
    assert ready.status_code == 503
    until(lambda: desk.try_asking().status_code == 200)
    assert len(desk.decided()) == 1


@pytest.mark.promise("D-03")
def test_a_signal_under_load_loses_no_answer(start: Start, crowd: Any) -> None:
    desk = start()
    with crowd(desk.daemon.url, 8) as people:
        people.wait_for(100)
        code = desk.daemon.stop()

    assert code == 0
    assert {problem["code"] for problem in people.refused} <= {"shutting_down"}
    assert "Traceback" not in desk.daemon.log
    desk.daemon.start()
    types = [event["event_type"] for event in desk.events()]
    assert types[types.index("system_stopped") + 1] == "system_started"
    assert types.count("system_stopped") == 1
    assert desk.decided() == set(people.acknowledged)


def test_a_policy_is_read_again_at_a_signal_and_a_bad_one_changes_nothing(
    start: Start, until: Until
) -> None:
    desk = start()
    assert desk.ask()["allowed"]
    before = len(desk.events("policy_updated"))

    desk.daemon.policy.write_text("policies: [{id: x, rules: 7}]")
    desk.daemon.reload()
    until(lambda: desk.events("policy_rejected"))
    assert desk.ask()["allowed"]

    desk.daemon.policy.write_text("")  # cut short: no wish to lift every limit
    assert desk.post("/v1/policy/reload", {}).status_code == 422
    desk.daemon.policy.unlink()
    assert desk.post("/v1/policy/reload", {}).status_code == 422
    assert len(desk.events("policy_updated")) == before

    desk.daemon.policy.write_text(DENY_ALL)
    desk.daemon.reload()
    until(lambda: len(desk.events("policy_updated")) > before)
    denied = desk.ask()
    assert not denied["allowed"]
    assert denied["decided_by"]["policy_id"] == "closed"


@pytest.mark.promise("D-02")
def test_clients_that_hang_up_lose_nothing_and_double_nothing(start: Start) -> None:
    desk = start()
    address = urlsplit(desk.daemon.url)
    bodies = [_hang_up(address.hostname or "", address.port or 0, number) for number in range(40)]

    answers = [desk.post("/v1/intent", body).json() for body in bodies]

    assert all(answer["allowed"] for answer in answers)
    assert desk.decided() == {answer["intent_id"] for answer in answers}
    assert len(desk.decided()) == len(bodies)
    assert desk.figures()[0][4] == len(bodies)


def _hang_up(host: str, port: int, number: int) -> dict[str, Any]:
    """Ask, and be gone before the answer."""
    body = {
        "agent_id": "agent:hasty",
        "identity_id": "pat:one",
        "workload_id": "scan",
        "scope_id": "repo:acme/api",
        "idempotency_key": f"key-{number}",
    }
    content = json.dumps(body).encode()
    head = f"POST /v1/intent HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
    with socket.create_connection((host, port), timeout=60) as line:
        line.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
    return body


@pytest.mark.skipif(sys.platform != "linux", reason="needs limits that can be set from outside")
def test_a_disk_that_fills_up_makes_it_read_only_until_there_is_space(
    start: Start, until: Until, crowd: Any, disk: Any
) -> None:
    desk = start()
    kept = desk.ask(idempotency_key="kept")
    ahead = desk.daemon.db.with_name("ratelord.db-wal")
    with crowd(desk.daemon.url) as people:
        people.wait_for(20)
        disk(ahead.stat().st_size + 65_536, desk.daemon.pid)
        until(lambda: desk.get("/v1/health")["status"] == "read_only")

        # It tries again at once: what is small may find room where a crowd's batch did not.
        refused = until(lambda: (said := desk.try_asking()).status_code == 503 and said)
        assert refused.json()["code"] == "read_only"
        ready = f"{desk.daemon.url}/v1/health/ready"
        until(lambda: httpx2.get(ready, timeout=60).status_code == 503)
        assert desk.get("/v1/pools")
        assert kept["intent_id"] in desk.decided()
        report = desk.post(f"/v1/intents/{kept['intent_id']}/report", {"outcome": "success"})
        assert report.json()["code"] == "read_only"

        disk(2**40, desk.daemon.pid)
        until(lambda: desk.get("/v1/health")["status"] != "read_only")
        people.wait_for(20)

    assert {problem["code"] for problem in people.refused} == {"read_only"}
    assert desk.ask(idempotency_key="kept") == kept
    assert set(people.acknowledged) <= desk.decided()
    assert "Traceback" not in desk.daemon.log
    before = desk.figures()
    desk.daemon.kill()
    desk.daemon.start()
    assert desk.figures() == before


@pytest.mark.promise("Pol-10")
def test_an_edited_policy_is_noticed_without_being_told(start: Start, until: Until) -> None:
    desk = start()
    before = len(desk.events("policy_updated"))

    desk.daemon.policy.write_text("policies: [{id: x, rules: 7}]")
    until(lambda: desk.get("/v1/health")["policy_error"])
    assert "policies[0].rules must be a list" in desk.get("/v1/health")["policy_error"]
    assert desk.ask()["allowed"]

    desk.daemon.policy.write_text(DENY_ALL)
    until(lambda: len(desk.events("policy_updated")) > before)
    assert desk.get("/v1/health")["policy_error"] is None
    updated = [event["payload"].get("added", []) for event in desk.events("policy_updated")]
    assert any(name.startswith("rule closed/") for names in updated for name in names)
    assert not desk.ask()["allowed"]
    assert len(desk.events("policy_rejected")) == 1


@pytest.mark.promise("Pol-11")
def test_a_denial_is_explained_with_what_would_have_been_enough(start: Start) -> None:
    desk = start("""
providers: {mock: [{id: mock, pools: {default: {limit: 5000, window: {kind: fixed, every: 1h}}}}]}
workloads: {scan: {consumes: {mock/default: 1}}}
scopes: {repo:acme/api: org:acme}
policies:
  - {id: small, rules: [{name: steps, action: deny, condition: "intent.units > 17 && remaining < 1e9"}]}
""")
    denied = desk.ask(expected_cost=40)
    assert not denied["allowed"]

    why = desk.get(f"/v1/intents/{denied['intent_id']}")
    kinds = {change["kind"]: change["value"] for change in why["nearest"]["changes"]}
    assert kinds["fewer"] == 17
    assert kinds["rule"] == "small/steps"
    assert why["nearest"]["as_of"] == why["intent"]["asked_at"]
    assert any("for at most 17 units" in line for line in why["story"])
    assert "→ global" in why["story"][1]
    assert why["path"]["pools"][0]["pool"] == "mock/default"
    allowed = desk.get(f"/v1/intents/{desk.ask()['intent_id']}")
    assert "nearest" not in allowed


@pytest.mark.promise("Pol-11")
def test_an_explained_path_has_the_caps_of_those_rules_only_that_held(start: Start) -> None:
    desk = start("""
providers: {mock: [{id: mock, pools: {default: {limit: 50, window: {kind: fixed, every: 1h}}}}]}
workloads: {scan: {consumes: {mock/default: 1}}}
policies:
  - id: money
    rules:
      - name: dear
        condition: "intent.units > 17"
        action: budget_cap
        params: {limit_microusd: 1000000, window: day}
""")

    def path_of(**asked: object) -> list[str]:
        answer = desk.ask(**asked)
        pools = desk.get(f"/v1/intents/{answer['intent_id']}")["path"]["pools"]
        return sorted(pool["pool"] for pool in pools)

    assert path_of(expected_cost=18) == ["mock/default", "policy/money/dear"]
    assert path_of(expected_cost=3) == ["mock/default"]
    assert path_of(expected_cost=900, max_wait_seconds=0) == ["mock/default", "policy/money/dear"]


def test_a_batch_over_many_pools_keeps_nobody_else_waiting_for_all_of_it(start: Start) -> None:
    pools = "\n".join(
        f"  - {{id: house/{n}, limit: 1000000, window: {{kind: fixed, every: 1h}}, shared_by: ['*']}}"
        for n in range(80)
    )
    desk = start(policy=f"pools:\n{pools}\n")
    batch = {"intents": [question(agent_id=f"agent:{n}") for n in range(400)]}
    with ThreadPoolExecutor(1) as beside:
        many = beside.submit(lambda: desk.post("/v1/intents/batch", batch))
        lone = [desk.ask()["intent_id"]]
        while not many.done():
            lone.append(desk.ask()["intent_id"])
        answers = many.result().json()["decisions"]

    assert len({answer["intent_id"] for answer in answers}) == 400
    assert all(len(answer["holds"]) == 80 for answer in answers)
    places = {
        event["correlation"]["correlation_id"]: event["seq"]
        for event in desk.events("intent_decided")
    }
    first, *_, last = sorted(places[answer["intent_id"]] for answer in answers)
    assert any(first < places[one] < last for one in lone), "decided in the midst of the batch"
    assert desk.pool("house/7")["held"] == 400 + len(lone)
    found = desk.post("/v1/admin/verify").json()
    assert (found["intact"], found["state"]) == (True, "same")
