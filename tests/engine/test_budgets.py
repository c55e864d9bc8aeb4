"""Budgets: caps of money that rules bring along, by window, by value, with warnings."""

from __future__ import annotations

from typing import Any

import pytest

from ratelord_core.engine.rehearsal import rehearse
from ratelord_core.events.payloads import ForecastCostComputed, HoldExpired, PolicyTriggered
from ratelord_core.model.decision import DecidedBy
from ratelord_core.model.intent import Intent
from ratelord_core.testing.table import Table

PRICES = "pricing: {llm: {input: 1000}}\n"
DAY = 86_400


def budget(
    params: str, *, condition: str = "true", scope: str = "global", kind: str = "hard"
) -> Table:
    return Table(f"""{PRICES}
agents: {{red-*: {{labels: {{team: red}}}}, blue: {{labels: {{team: blue}}}}}}
scopes: {{"repo:acme/*": "org:acme"}}
policies:
  - id: money
    scope: "{scope}"
    type: {kind}
    rules:
      - {{name: the cap, condition: "{condition}", action: budget_cap, params: {{{params}}}}}
""")


def spend(table: Table, units: int = 100, **fields: Any) -> Any:
    return table.ask(costs={"llm/input": units}, **({"max_wait": 0} | fields))


def held(decision: Any) -> dict[str, int]:
    return {line.pool: line.units for line in decision.holds}


def test_a_budget_admits_what_it_can_pay_and_names_itself_when_it_cannot() -> None:
    table = budget("limit_microusd: 250, window: day")
    assert [spend(table).allowed for _ in range(3)] == [True, True, False]
    denied = spend(table)
    assert denied.reason_code == "budget_exceeded"
    assert denied.decided_by == DecidedBy("money", "the cap")
    assert table.figures("policy/money/the-cap").held == 200
    assert spend(table, 50).allowed


def test_a_calendar_budget_is_full_again_at_midnight_in_its_zone() -> None:
    table = budget("limit_microusd: 100, window: {every: day, timezone: Asia/Tokyo}")
    assert spend(table).allowed
    assert not spend(table).allowed
    table.pass_time(15 * 3600)  # 2026-01-01T00:00Z is nine in the morning there
    assert spend(table).allowed


def test_a_rolling_budget_comes_back_as_use_leaves_its_window() -> None:
    table = budget("limit_microusd: 100, window: 2h")
    table.report(spend(table).intent_id)
    table.pass_time(3600)
    assert not spend(table).allowed
    table.pass_time(3601)
    assert spend(table).allowed


def test_a_budget_with_a_condition_counts_only_what_it_applies_to() -> None:
    table = budget("limit_microusd: 100, window: day", condition="intent.model == 'big'")
    assert held(spend(table, model="small")) == {}
    assert held(spend(table, model="big")) == {"policy/money/the-cap": 100}
    assert not spend(table, model="big").allowed
    assert spend(table, model="small").allowed


def test_a_budget_binds_its_scope_and_everything_below_it() -> None:
    table = budget("limit_microusd: 100, window: day", scope="org:acme")
    assert spend(table, scope_id="repo:acme/api").allowed
    assert not spend(table, scope_id="repo:acme/web").allowed
    assert held(spend(table, scope_id="repo:other/web")) == {}


def test_an_approval_above_it_in_its_level_does_not_lift_a_cap() -> None:
    table = Table(f"""{PRICES}
policies:
  - id: money
    rules:
      - {{name: vip, action: approve, priority: 9}}
      - {{name: never, action: deny}}
      - {{name: cap, action: budget_cap, params: {{limit_microusd: 100, window: day}}}}
      - {{name: big, condition: "intent.model == 'big'", action: budget_cap, params: {{limit_microusd: 10, window: day}}}}
""")
    assert not spend(table, model="big", debug=True).allowed
    answer = spend(table, debug=True)
    assert held(answer) == {"policy/money/cap": 100}
    assert [step.rule for step in answer.trace] == ["vip", "cap", "big"]


def test_a_soft_budget_counts_and_warns_and_stops_nobody() -> None:
    table = budget("limit_microusd: 150, window: day", kind="soft")
    assert not spend(table).warnings
    answer = spend(table)
    assert answer.decision == "approve"
    assert answer.warnings == ("soft limit policy/money/the-cap is passed: 200 of 150",)


def test_a_soft_limit_of_a_policy_counts_and_warns_and_stops_nobody() -> None:
    table = Table(
        "policies: [{id: p, type: soft, limit: {amount: 1, window: {kind: sliding, every: 1h}}}]"
    )
    assert [table.ask().decision for _ in range(3)] == ["approve"] * 3
    assert "soft limit policy/p is passed: 4 of 1" in table.ask().warnings


def test_the_highest_threshold_that_is_passed_is_said_each_time_and_told_once() -> None:
    table = budget("limit_microusd: 1000, window: day, warn_at: [50, 80], reason: LLM money")
    answers = [spend(table, 150) for _ in range(6)]
    said = [next(iter(answer.warnings), "") for answer in answers]
    assert said[:3] == ["", "", ""]
    assert said[3].startswith("LLM money: 50 % are passed, 600 microusd of 1000 microusd")
    assert said[4].startswith("LLM money: 50 %")
    assert said[5].startswith("LLM money: 80 %")
    told = [event for event in table.events(PolicyTriggered) if event.action == "budget_cap"]
    assert [event.reason.split(" % ")[0] for event in told] == ["LLM money: 50", "LLM money: 80"]


def test_what_does_not_fit_into_a_budget_passes_none_of_its_thresholds() -> None:
    table = budget("limit_microusd: 1000, window: day, warn_at: [80], warn_before: 1h")
    denied = spend(table, 90_000)
    assert not denied.allowed
    assert denied.warnings == ()
    assert not table.events(PolicyTriggered)


def test_a_budget_that_will_be_used_up_before_its_reset_is_foreseen() -> None:
    table = budget("limit_microusd: 10_000, window: day, warn_before: 2h")
    for _ in range(8):
        table.report(spend(table, 400).intent_id)
        table.pass_time(1200)
    (said,) = spend(table, 400).warnings
    assert "at this pace it is used up by 2026-01-01T" in said
    assert "before its reset" in said


def test_a_budget_has_a_runway_in_the_log() -> None:
    table = budget("limit_microusd: 10_000, window: day")
    for _ in range(6):
        spend(table, 500)
        table.pass_time(600)
    runway = table.events(ForecastCostComputed)[-1]
    assert (runway.pool, runway.spent, runway.left) == ("policy/money/the-cap", 3000, 7000)
    assert runway.per_hour > 0
    assert runway.used_up_p50 is not None
    assert runway.reset_at is not None
    assert runway.used_up_p50 < runway.reset_at


@pytest.mark.parametrize(
    ("per", "one", "other"),
    [
        ("agent", {"agent_id": "a1"}, {"agent_id": "a2"}),
        ("identity", {"identity_id": "i1"}, {"identity_id": "i2"}),
        ("workload", {"workload": "w1"}, {"workload": "w2"}),
        ("scope", {"scope_id": "repo:x/1"}, {"scope_id": "repo:x/2"}),
        ("label:team", {"agent_id": "red-1"}, {"agent_id": "blue"}),
        ("client_context.run_id", {"context": {"run_id": "r1"}}, {"context": {"run_id": 2}}),
    ],
)
def test_a_budget_per_value_gives_each_value_its_own(
    per: str, one: dict[str, Any], other: dict[str, Any]
) -> None:
    table = budget(f"limit_microusd: 100, window: 24h, per: {per}")
    assert spend(table, **one).allowed
    assert not spend(table, **one).allowed
    assert spend(table, **other).allowed
    assert table.replayed().picture(table.now) == table.engine.state.picture(table.now)


def test_who_names_no_value_shares_one_part_with_all_who_do_not() -> None:
    table = budget("limit_microusd: 100, window: 24h, per: client_context.run_id")
    assert list(held(spend(table))) == ["policy/money/the-cap~-"]
    assert not spend(table, agent_id="other").allowed


def test_a_run_keeps_something_to_finish_with() -> None:
    table = budget(
        "limit_microusd: 1000, window: 24h, per: client_context.run_id, reserve_percent: 10"
    )
    run = {"context": {"run_id": "nightly-7"}}
    assert [spend(table, **run).allowed for _ in range(10)] == [True] * 9 + [False]
    assert not spend(table, **run).allowed
    assert spend(table, urgency="high", **run).allowed
    assert not spend(table, 1, urgency="high", **run).allowed


def test_what_draws_from_no_pool_counts_for_its_run_too() -> None:
    table = Table("""
policies:
  - id: runs
    rules: [{name: twice, condition: run.requests > 1, action: deny}]
""")
    assert [table.ask(run="nightly-7").allowed for _ in range(4)] == [True, True, False, False]
    assert table.ask(run="nightly-8").allowed
    assert table.ask().allowed


def test_what_a_run_is_called_goes_no_further() -> None:
    table = budget("limit_microusd: 100, window: 24h, per: client_context.run_id")
    spend(table, context={"run_id": "sk-secret"})
    assert not [record for record in table.records() if b"sk-secret" in record.body]


def test_parts_in_which_nothing_is_left_are_forgotten() -> None:
    table = budget("limit_microusd: 100, window: 1h, per: agent")
    for number in range(600):
        table.report(spend(table, agent_id=f"a{number}").intent_id)
    assert len(table.engine.state.ledger.accounts) > 600
    table.pass_time(3601)
    assert len(table.engine.state.ledger.accounts) < 10
    assert spend(table, agent_id="a1").allowed
    table.restart()
    assert not spend(table, agent_id="a1").allowed


def test_a_report_settles_the_part_at_its_real_price() -> None:
    table = budget("limit_microusd: 1000, window: 24h, per: agent")
    asked = spend(table, 500, agent_id="a1")
    table.report(asked.intent_id, costs={"llm/input": 200})
    assert table.figures("policy/money/the-cap~a1").used == 200


def test_another_limit_applies_to_every_part_at_once() -> None:
    text = PRICES + (
        "pools: [{id: b, unit: microusd, limit: %d, window: {kind: sliding, every: 1h}, per: agent}]"
    )
    table = Table(text % 300)
    assert spend(table, 200, agent_id="a1").allowed
    table.configure(text % 150)
    assert not spend(table, 1, agent_id="a1").allowed
    assert spend(table, 150, agent_id="a2").allowed


def test_holds_that_expire_say_what_they_cost_once() -> None:
    table = Table(
        PRICES
        + "pools: [{id: b, unit: microusd, limit: 900, window: {kind: calendar, every: day}},"
        " {id: jobs, limit: 5, window: concurrency}]"
    )
    asked = spend(table)
    table.pass_time(61)
    table.pass_time(900)
    told = [pair for event in table.events(HoldExpired) for pair in event.costs]
    assert told == [(asked.intent_id, 100)]


def test_a_budget_of_a_pool_counts_whoever_draws_from_it() -> None:
    table = budget("limit_microusd: 150, window: day", scope="pool:local/a")
    table.configure(
        PRICES
        + "workloads: {one: {consumes: {a: 1}}, two: {consumes: {b: 1}}}\n"
        + "pools: [{id: a, limit: 9, window: concurrency, default: false},"
        + " {id: b, limit: 9, window: concurrency, default: false}]\n"
        + "policies: [{id: p, scope: 'pool:local/a', rules: [{name: cap, action: budget_cap,"
        + " params: {limit_microusd: 150, window: day}}]}]"
    )
    assert held(spend(table, workload="one")) == {"local/a": 1, "policy/p/cap": 100}
    assert held(spend(table, workload="two")) == {"local/b": 1}
    assert not spend(table, workload="one").allowed


def test_a_plan_is_rehearsed_within_every_cap_and_leaves_them_as_they_were() -> None:
    table = budget("limit_microusd: 150, window: day, per: agent", scope="pool:local/a")
    table.configure(
        PRICES
        + "pools: [{id: a, limit: 9, window: concurrency}]\n"
        + "policies: [{id: p, scope: 'pool:local/a', rules: [{name: cap, action: budget_cap,"
        + " params: {limit_microusd: 150, window: day, per: agent}}]}]"
    )
    intent = Intent("a", "i", "work", "repo:x/y", costs={"llm/input": 100.0}, max_wait=0)
    state, before = table.engine.state, table.engine.state.picture(table.now)
    state.ledger.bring(list(state.ledger.accounts), table.now)
    steps = rehearse(state, table.engine.policy, table.engine.entropy, [intent] * 2, table.now)
    assert [step.allowed for step in steps] == [True, False]
    assert table.engine.state.picture(table.now) == before
    bound = table.engine.surveyor.constraints(intent.dimensions, table.now)
    assert "policy/p/cap~a" in [each.id for each in bound]


def test_a_soft_limit_that_is_long_passed_is_no_risk_to_anybody() -> None:
    table = Table(
        "policies: [{id: p, type: soft, limit: {amount: 5, window: {kind: fixed, every: 1h}}}]"
    )
    for _ in range(30):
        assert table.ask(urgency="background").decision == "approve"
        table.pass_time(5)
    assert table.engine.state.system_status == "ok"


def test_a_cap_that_is_hardly_used_is_not_the_tightest_pool() -> None:
    table = budget("limit_microusd: 1000, window: day", condition="intent.model == 'big'")
    table.configure(
        PRICES
        + "pools: [{id: api, limit: 10, window: {kind: fixed, every: 1h}}]\n"
        + "policies: [{id: p, rules: [{name: cap, condition: \"intent.model == 'big'\","
        + " action: budget_cap, params: {limit_microusd: 1000, window: day}}]}]"
    )
    table.ask(expected_cost=8)
    answer = spend(table, 10, model="big")
    assert answer.risk is not None
    assert answer.risk.pool == "local/api"
