"""Every action and every level, as a daemon answers them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., Any]
Until = Callable[..., Any]

LOCAL = "window: {kind: fixed, every: 1h}"
ACTIONS = f"""
providers:
  mock: [{{id: mock, poll_interval: 1h, pools: {{default: {{limit: 100000, window: {{kind: fixed, every: 1h}}}}}}}}]
pools:
  - {{id: a, limit: 1000, {LOCAL}, shared_by: ["identity:pat:a"]}}
  - {{id: b, limit: 900, {LOCAL}, shared_by: ["identity:pat:b"]}}
  - {{id: ramp, limit: 100, {LOCAL}, shared_by: ["agent:shape-linear"]}}
  - {{id: brake, limit: 100, {LOCAL}, shared_by: ["agent:shape-dynamic"]}}
  - {{id: rest, limit: 900, {LOCAL}, default: false}}
  - {{id: points, limit: 900, {LOCAL}, default: false}}
identities: [{{id: "pat:a"}}, {{id: "pat:b"}}]
workloads:
  scan: {{consumes: {{rest: 10}}, degrade: [peek], protocols: {{graphql: scan_graphql}}}}
  scan_graphql: {{consumes: {{points: 3}}}}
  peek: {{consumes: {{rest: 1}}}}
pricing: {{llm: {{big-input: 3000, small-input: 200}}}}
policies:
  - {{id: approve, scope: "agent:approve", rules: [{{name: yes, action: approve, priority: 1}}, {{name: no, action: deny}}]}}
  - {{id: warn, scope: "agent:warn", rules: [{{name: r, action: warn, params: {{message: mind the gap}}}}]}}
  - {{id: notify, scope: "agent:notify", rules: [{{name: r, action: notify, params: {{message: look at this}}}}]}}
  - {{id: fixed, scope: "agent:shape-fixed", rules: [{{name: r, action: shape, params: {{wait_seconds: 3}}}}]}}
  - {{id: delay, scope: "agent:delay", rules: [{{name: r, action: delay, params: {{wait_seconds: 4}}}}]}}
  - {{id: linear, scope: "agent:shape-linear",
     rules: [{{name: r, action: shape, params: {{algorithm: linear, factor: 20, pool: ramp}}}}]}}
  - {{id: dynamic, scope: "agent:shape-dynamic",
     rules: [{{name: r, action: shape, params: {{algorithm: dynamic, gain: 5, pool: brake, max_seconds: 40}}}}]}}
  - {{id: defer, scope: "agent:defer", rules: [{{name: r, action: defer}}]}}
  - {{id: deny, scope: "agent:deny", rules: [{{name: r, action: deny, params: {{reason: not today, retry_after_seconds: 60}}}}]}}
  - {{id: switch, scope: "agent:switch", rules: [{{name: r, action: switch, params: {{to: ["pat:b"]}}}}]}}
  - {{id: route, scope: "agent:route", rules: [{{name: r, action: route, params: {{by: cost, to: [{{model: small}}]}}}}]}}
  - {{id: protocol, scope: "agent:switch_protocol", rules: [{{name: r, action: switch_protocol, params: {{to: graphql}}}}]}}
  - {{id: degrade, scope: "agent:degrade", rules: [{{name: r, action: degrade}}]}}
  - {{id: less, scope: "agent:limit_cost", rules: [{{name: r, action: limit_cost, params: {{max_cost: 5}}}}]}}
  - {{id: thrift, scope: "agent:cost_efficiency",
     rules: [{{name: r, action: cost_efficiency, params: {{mode: enforce, to: [{{model: small}}]}}}}]}}
  - {{id: budget, scope: "agent:budget_cap",
     rules: [{{name: r, action: budget_cap, params: {{limit_microusd: 5000, window: day, warn_at: [50]}}}}]}}
"""
MONEY = {"costs": {"llm/input": 1000}, "model": "big"}


@pytest.fixture
def desk(start: Start) -> Any:
    return start(ACTIONS)


@pytest.mark.promise("Pol-04")
def test_every_action_does_what_it_says(desk: Any, until: Until) -> None:
    def ask(agent: str, **fields: Any) -> Any:
        return desk.ask(
            agent_id=agent, **({"identity_id": "pat:a", "workload_id": "plain"} | fields)
        )

    def changed(agent: str, **fields: Any) -> Any:
        answer = ask(agent, **fields)
        assert answer["decision"] == "approve_with_modifications", answer
        assert answer["decided_by"]["rule"] == "r"
        return answer["modifications"]

    assert ask("approve")["decision"] == "approve"
    assert "mind the gap" in ask("warn")["warnings"][0]
    assert [ask("notify")["decision"] for _ in range(2)] == ["approve"] * 2
    told = until(
        lambda: [e for e in desk.events("policy_triggered") if e["payload"]["action"] == "notify"]
    )
    assert [event["payload"]["reason"] for event in told] == ["look at this"]

    assert changed("shape-fixed") == {"wait_seconds": 3}
    assert changed("delay") == {"wait_seconds": 4}
    assert changed("shape-linear", expected_cost=50) == {"wait_seconds": 10}
    waits = [
        ask("shape-dynamic", expected_cost=9)["modifications"].get("wait_seconds", 0)
        for _ in range(9)
    ]
    assert waits[0] == 0
    assert 0 < max(waits) <= 40
    assert 3000 < changed("defer", max_wait_seconds=4000)["wait_seconds"] <= 3601

    denied = ask("deny")
    assert (denied["allowed"], denied["retry_after_seconds"]) == (False, 60)
    assert "not today" in denied["reason"]

    assert changed("switch") == {"identity_switch": "pat:b"}
    assert changed("switch_protocol", workload_id="scan") == {"protocol_switch": "graphql"}
    assert changed("degrade", workload_id="scan") == {"degrade": "peek"}
    assert changed("limit_cost", expected_cost=40) == {"max_cost": 5}
    assert changed("route", **MONEY) == {"route": {"model": "small"}}
    assert changed("cost_efficiency", **MONEY) == {"route": {"model": "small"}}

    assert "50 % are passed" in ask("budget_cap", **MONEY)["warnings"][0]
    over = ask("budget_cap", **MONEY, max_wait_seconds=0)
    assert (over["reason_code"], over["decided_by"]["policy_id"]) == ("budget_exceeded", "budget")


LEVELS = """
providers:
  mock: [{id: mock, poll_interval: 1h, pools: {default: {limit: 1000, window: {kind: fixed, every: 1h}}}}]
scopes: {"repo:acme/*": "org:acme"}
policies:
  - {id: 1-global, rules: [{name: no, condition: "intent.model == 'global'", action: deny},
                           {name: passes, condition: "intent.model == 'approved'", action: approve}]}
  - {id: 2-org, scope: "org:acme", rules: [{name: no, condition: "intent.model == 'org'", action: deny},
                                           {name: passes, action: approve}]}
  - {id: 3-repo, scope: "repo:acme/api", rules: [{name: no, condition: "intent.model == 'repo'", action: deny},
                                                 {name: passes, action: approve}]}
  - {id: 4-pool, scope: "pool:mock/default", rules: [{name: no, condition: "intent.model == 'pool'", action: deny},
                                                     {name: passes, action: approve}]}
  - {id: 5-identity, scope: "identity:pat:one", rules: [{name: no, condition: "intent.model == 'identity'", action: deny}]}
  - {id: 5-agent, scope: "agent:one", rules: [{name: no, condition: "intent.model == 'agent'", action: deny},
                                              {name: passes, action: approve}]}
  - {id: whole-org, scope: "org:acme", limit: {amount: 8, window: {kind: fixed, every: 1h}}}
"""


@pytest.mark.promise("Pol-05")
def test_every_level_binds_whatever_lower_ones_approve(start: Start) -> None:
    desk = start(LEVELS)
    for level, policy in enumerate(
        ("1-global", "2-org", "3-repo", "4-pool", "5-identity", "5-agent")
    ):
        answer = desk.ask(model=policy.split("-")[1])
        assert (answer["allowed"], answer["decided_by"]["policy_id"]) == (False, policy), level
    for repo in ("api", "web", "api", "web"):
        assert desk.ask(scope_id=f"repo:acme/{repo}", expected_cost=2)["allowed"]
    full = desk.ask(scope_id="repo:acme/docs", max_wait_seconds=0)
    assert (full["allowed"], full["decided_by"]["policy_id"]) == (False, "whole-org")
    assert desk.ask(scope_id="repo:other/web", model="approved")["allowed"]


SHARED = """
pools:
  - {id: api, limit: 100, window: {kind: fixed, every: 8760h}, reserve: {urgency: high, percent: 10},
     shares: {"agent:deployer": 20, "workload:batch": {most: 30}}}
policies:
  - id: run
    limit: {amount: 10, window: {kind: sliding, every: 24h}, per: client_context.run_id, reserve: {percent: 20}}
"""


@pytest.mark.promise("Pol-06")
def test_shares_reserves_and_caps_of_runs_hold(start: Start) -> None:
    desk = start(SHARED)

    def got(agent: str, run: str, **fields: Any) -> int:
        asked = {
            "agent_id": agent,
            "max_wait_seconds": 0,
            "client_context": {"run_id": run},
        } | fields
        count = 0
        while desk.ask(**asked)["allowed"]:
            count += 1
        return count

    assert got("crawler", "zebra-7") == 8, "two of the run's ten are kept to finish with"
    assert got("crawler", "zebra-7", urgency="high") == 2
    assert got("crawler", "eight") == 8, "another run has its own"
    assert desk.ask(agent_id="deployer", client_context={"run_id": "d"})["allowed"]
    batches = [got("crawler", f"b{n}", workload_id="batch") for n in range(5)]
    assert sum(batches) == 30, "the partition of that work"
    others = [got("crawler", f"c{n}") for n in range(5)]
    kept = 18 + 9  # 20 less the 1 that it has, and 10, both melted a little
    assert sum(others) == 100 - 18 - 1 - 30 - kept
    assert got("deployer", "d2") == 8
    pool = desk.pool("local/api")
    assert pool["held"] <= pool["limit"]
    log = desk.daemon.folder
    assert not [file for file in log.rglob("*.db*") if b"zebra-7" in file.read_bytes()]
