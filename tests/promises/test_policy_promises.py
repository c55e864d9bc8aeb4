"""Policy: rules judge by what remains and by risk, and can be changed while the daemon runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., Any]
Until = Callable[..., Any]

PROVIDER = """
providers:
  mock:
    - {id: mock, poll_interval: 300ms, pools: {default: {limit: 1000, used: 0, window: {kind: fixed, every: 1h}}}}
"""
KEEP_SOME = (
    PROVIDER
    + """
policies:
  - id: floor
    scope: global
    type: hard
    rules:
      - {name: keep-a-hundred, condition: "remaining < 100", action: deny, params: {reason: "less than 100 left"}}
"""
)
SHED = (
    PROVIDER
    + """
policies:
  - id: shedding
    scope: global
    type: hard
    rules:
      - {name: background-first, condition: "system.status == 'critical' && intent.urgency == 'background'", action: deny,
         params: {reason: "shedding load"}}
      - {name: urgent-passes, condition: "intent.urgency == 'high'", action: approve}
"""
)


@pytest.mark.promise("Pol-01")
def test_a_limit_on_what_remains_denies_below_it(start: Start, until: Until) -> None:
    desk = start(KEEP_SOME)
    until(lambda: desk.events("provider_poll_observed"))
    assert desk.ask()["allowed"]

    desk.inject(910)
    until(lambda: desk.pool()["available"] <= 90)

    answer = desk.ask()
    assert answer["decision"] == "deny_with_reason"
    assert "floor" in answer["reason"]
    assert "keep-a-hundred" in answer["reason"]


@pytest.mark.promise("Pol-02")
def test_critical_risk_sheds_background_work(start: Start, until: Until) -> None:
    desk = start(SHED)
    for number in range(70):
        desk.ask(agent_id=f"agent:{number % 7}", expected_cost=10)
    until(lambda: desk.get("/v1/health")["system_status"] == "critical")

    background, high = desk.ask(urgency="background"), desk.ask(urgency="high")

    assert background["decision"] == "deny_with_reason"
    assert high["allowed"]


@pytest.mark.promise("Pol-03")
def test_an_edited_policy_judges_the_next_intent(start: Start, until: Until) -> None:
    desk = start(PROVIDER)
    assert desk.ask()["allowed"]
    versions = len(desk.events("policy_updated"))

    desk.daemon.policy.write_text(KEEP_SOME.replace("< 100", "< 5000"), encoding="utf-8")
    desk.daemon.reload()
    until(lambda: desk.events("policy_updated")[versions:])

    assert not desk.ask()["allowed"]
    assert len(desk.events("system_started")) == 1


@pytest.mark.promise("Pol-03")
def test_a_broken_policy_leaves_the_old_one_in_force(start: Start, until: Until) -> None:
    desk = start(PROVIDER)
    before = desk.get("/v1/policy")["version"]

    desk.daemon.policy.write_text(KEEP_SOME.replace("remaining", "remainning"), encoding="utf-8")
    refused = desk.post("/v1/policy/reload")

    assert refused.status_code == 422
    assert "remaining" in refused.text, "the nearest name is told"
    assert until(lambda: desk.events("policy_rejected"))
    assert desk.get("/v1/policy")["version"] == before
    assert desk.ask()["allowed"]
