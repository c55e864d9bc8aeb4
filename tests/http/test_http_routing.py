"""Routing answers over HTTP: what is told, who is charged, who may report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from ratelord_core.testing.daemon_process import DaemonProcess

POLICY = """
pools:
  - {id: own/a, limit: 15, window: {kind: fixed, every: 1h}, members: [pat:a], shared_by: [scan, peek]}
  - {id: own/b, limit: 20, window: {kind: fixed, every: 1h}, members: [pat:b], shared_by: [scan]}
  - {id: pen/a, limit: 10, window: {kind: fixed, every: 1h}, members: [pat:a], shared_by: [write]}
  - {id: pen/b, limit: 90, window: {kind: fixed, every: 1h}, members: [pat:b], shared_by: [write]}
  - {id: small/a, limit: 10, window: {kind: fixed, every: 1h}, shared_by: ["workload:peek"]}
  - {id: budget/day, unit: microusd, limit: 50000, window: {kind: calendar, every: day}}
identities: [{id: pat:b}]
workloads: {scan: {consumes: {own/a: 10, own/b: 10}, degrade: [peek]}}
pricing: {llm: {gpt-x-input: 3000, gpt-x-output: 6000}}
policies:
  - id: ways
    rules:
      - {name: spread, condition: "intent.workload_id != 'plain'", action: switch, params: {to: [pat:b]}}
"""


@pytest.fixture(scope="module")
def routed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """A client of a daemon that spreads work over two identities."""
    with (
        DaemonProcess(tmp_path_factory.mktemp("routed"), policy=POLICY) as running,
        httpx2.Client(base_url=running.url, timeout=60) as client,
    ):
        yield client


def ask(client: httpx2.Client, workload: str, **fields: Any) -> Any:
    ids = {"agent_id": "a", "identity_id": "pat:a", "workload_id": workload, "scope_id": "global"}
    token = fields.pop("token", None)
    headers = {"authorization": f"Bearer {token}"} if token else {}
    answered = client.post("/v1/intent", json=ids | fields, headers=headers)
    assert answered.status_code == 200, answered.text
    return answered.json()


def test_an_answer_names_the_identity_to_switch_to_and_its_alternatives(routed: Any) -> None:
    first, second, third = (ask(routed, "scan", max_wait_seconds=0) for _ in range(3))
    assert first["modifications"] == {"identity_switch": "pat:b"}
    assert first["decided_by"]["rule"] == "spread"
    assert [hold["provider_id"] for hold in first["holds"] if hold["units"]] == ["own"]
    assert (second["allowed"], third["allowed"]) == (True, True)
    denied = ask(routed, "scan", max_wait_seconds=0)
    assert not denied["allowed"]
    assert denied["alternatives"] == [
        {"degrade": "peek", "wait_seconds": 0.0, "units": 1},
        {"max_cost": 5, "wait_seconds": 0.0, "units": 5},
    ]
    told = routed.get(f"/v1/intents/{first['intent_id']}").json()
    assert told["decision"]["modifications"] == {"identity_switch": "pat:b"}
    assert told["intent"]["identity_id"] == "pat:a"


def test_whoever_asked_may_report_although_another_identity_was_charged(routed: Any) -> None:
    made = routed.post(
        "/v1/identities", json={"identity_id": "pat:a", "kind": "service", "role": "agent"}
    ).json()
    token = made["token"]
    asked = ask(routed, "write", token=token)
    assert asked["modifications"]["identity_switch"] == "pat:b"
    url = f"/v1/intents/{asked['intent_id']}/report"
    headers = {"authorization": f"Bearer {token}"}
    settled = routed.post(url, json={"outcome": "success"}, headers=headers)
    assert settled.status_code == 200, settled.text
    stranger = routed.post(
        "/v1/identities", json={"identity_id": "pat:x", "kind": "service", "role": "agent"}
    ).json()["token"]
    other = ask(routed, "write", token=token)
    url = f"/v1/intents/{other['intent_id']}/report"
    refused = routed.post(url, json={}, headers={"authorization": f"Bearer {stranger}"})
    assert refused.status_code == 404


def test_money_is_held_and_settled_by_the_price_list(routed: Any) -> None:
    asked = ask(routed, "plain", model="gpt-x", costs={"llm/input": 1000, "llm/output": 500})
    held = {hold["pool_id"]: hold["units"] for hold in asked["holds"]}
    assert held["day"] == 6000
    told = {"costs": {"llm/input": 900, "llm/output": 100}}
    routed.post(f"/v1/intents/{asked['intent_id']}/report", json=told)
    assert routed.get("/v1/pools/budget/day").json()["used"] == 2700 + 600
    events = routed.get("/v1/events", params={"type": "intent_reported", "limit": 1}).json()
    assert events[0]["payload"]["cost"] == 3300
