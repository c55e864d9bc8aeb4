"""Policy: rules judge by what remains and by risk, and can be changed while the daemon runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
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


CASES = """
defaults: {intent: {agent_id: a, workload_id: scan, scope_id: s}}
cases:
  - name: a hundred are kept
    given: {pools: {mock/default: {limit: 1000, used: 950}}}
    expect: {decision: deny, rule: keep-a-hundred}
  - name: what is above is given
    given: {pools: {mock/default: {limit: 1000, used: 850}}}
    expect: {decision: %s}
"""


@pytest.mark.promise("Pol-07")
def test_cases_are_asked_of_a_policy_that_is_not_in_force(start: Start, tmp_path: Path) -> None:
    desk = start(PROVIDER)
    folder = tmp_path / "next"
    folder.mkdir()
    (folder / "floor.yaml").write_text(KEEP_SOME)
    cases = folder / "floor.test.yaml"

    cases.write_text(CASES % "approve")
    right = desk.command("policy", "test", str(folder))
    cases.write_text(CASES % "deny")
    wrong = desk.command("policy", "test", str(folder))

    assert right.returncode == 0, right.stdout + right.stderr
    assert wrong.returncode == 1
    assert "floor.test.yaml:9:24:" in wrong.stdout.replace("\n", "")
    assert "what is above is given" in wrong.stdout
    assert not desk.events("intent_decided"), "the daemon was not asked"


@pytest.mark.promise("Pol-12")
def test_what_is_most_likely_not_meant_is_found_before_it_is_in_force(
    start: Start, tmp_path: Path
) -> None:
    desk = start(PROVIDER)
    candidate = tmp_path / "next.yaml"
    candidate.write_text(KEEP_SOME.replace("remaining < 100", "remaining < 0"))

    told = desk.command("policy", "check", str(candidate))
    strict = desk.command("policy", "check", "--strict", str(candidate))

    assert (told.returncode, strict.returncode) == (0, 1), told.stderr + strict.stderr
    assert "next.yaml:11:43: warning:" in (told.stdout + told.stderr).replace("\n", "")
    assert "never holds" in (told.stdout + told.stderr).replace("\n", " ")
