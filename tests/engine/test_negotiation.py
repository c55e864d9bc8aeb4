"""What an intent is answered, end to end through the real engine, on a clock that stands still."""

import pytest

from ratelord_core.errors import Conflict, InvalidRequest
from ratelord_core.events.payloads import DriftDetected, HoldExpired, PolicyTriggered
from ratelord_core.model.instant import SECOND
from ratelord_core.testing.table import Table

LOCAL = """
pools:
  - {id: local/jobs, limit: 10, window: {kind: fixed, every: 60s}}
"""


def test_a_budget_of_ten_admits_exactly_ten_units_now() -> None:
    table = Table(LOCAL)
    answers = [table.ask() for _ in range(12)]
    assert [a.decision for a in answers[:10]] == ["approve"] * 10
    assert [a.decision for a in answers[10:]] == ["approve_with_modifications"] * 2
    assert table.figures("local/jobs").available == 0


def test_an_approval_has_no_modifications_and_a_wait_has_its_start() -> None:
    table = Table(LOCAL)
    first = table.ask(expected_cost=10)
    assert first.modifications.wait == 0
    assert first.start_at == table.now
    table.report(first.intent_id)
    second = table.ask()
    assert second.start_at is not None
    assert second.start_at - table.now == second.modifications.wait > 0
    assert second.reason_code == "pool_exhausted"


def test_what_may_not_wait_is_denied_with_the_time_to_come_back() -> None:
    table = Table(LOCAL)
    table.report(table.ask(expected_cost=10).intent_id)
    denied = table.ask(max_wait=0)
    assert not denied.allowed
    assert denied.reason_code == "pool_exhausted"
    assert denied.retry_after == 60 * SECOND
    assert "local/jobs" in denied.reason
    assert table.figures("local/jobs").held == 0


def test_more_than_a_pool_ever_holds_is_denied_with_the_advice_to_ask_for_less() -> None:
    denied = Table(LOCAL).ask(expected_cost=11)
    assert not denied.allowed
    assert denied.retry_after is None
    assert "ask for less" in denied.reason


def test_all_pools_are_held_or_none() -> None:
    table = Table(
        """
pools:
  - {id: local/wide, limit: 100, window: {kind: fixed, every: 60s}}
  - {id: local/narrow, limit: 1, window: {kind: concurrency}}
"""
    )
    table.ask(duration=400 * SECOND)
    denied = table.ask(max_wait=0)
    assert not denied.allowed
    assert table.figures("local/wide").held == 1


def test_the_same_key_gets_the_first_answer_and_holds_nothing_twice() -> None:
    table = Table(LOCAL)
    first = table.ask(idempotency_key="k")
    again = table.ask(idempotency_key="k")
    assert again == first
    assert table.figures("local/jobs").held == 1
    with pytest.raises(Conflict, match="another question"):
        table.ask(idempotency_key="k", expected_cost=2)


def test_a_lapsed_approval_is_not_given_again_but_a_denial_is() -> None:
    table = Table(LOCAL)
    table.ask(idempotency_key="yes")
    denied = table.ask(idempotency_key="no", expected_cost=99)
    table.pass_time(61)
    with pytest.raises(Conflict, match="lapsed"):
        table.ask(idempotency_key="yes")
    assert table.ask(idempotency_key="no", expected_cost=99) == denied


def test_a_dry_run_answers_and_leaves_no_trace() -> None:
    table = Table(LOCAL)
    before = table.store.head().seq
    assert table.ask(dry_run=True).allowed
    assert table.store.head().seq == before
    assert table.figures("local/jobs").held == 0


def test_an_unknown_pin_is_the_askers_mistake() -> None:
    with pytest.raises(InvalidRequest):
        Table(LOCAL).ask(provider_id="nobody")


def test_an_intent_that_draws_from_no_pool_is_approved_with_a_warning() -> None:
    decision = Table("").ask()
    assert decision.decision == "approve"
    assert decision.warnings


def test_with_strict_pools_such_an_intent_is_denied() -> None:
    assert not Table("settings: {strict_pools: true}").ask().allowed


def test_with_strict_identities_a_stranger_is_denied() -> None:
    denied = Table(LOCAL + "settings: {strict_identities: true}").ask()
    assert denied.reason_code == "identity_unknown"


def test_units_come_from_costs_then_expected_cost_then_what_was_learnt() -> None:
    table = Table(
        """
pools:
  - {id: local/tokens, unit: tokens, limit: 100000, window: {kind: unbounded}}
workloads: {chat: {consumes: {local/tokens: 100}}}
"""
    )
    assert table.ask("chat", costs={"local/tokens": 7}).holds[0].units == 7
    assert table.ask("chat", expected_cost=2.5).holds[0].units == 250
    first = table.ask("chat")
    assert first.holds[0].units == 100
    table.report(first.intent_id, costs={"local/tokens": 40})
    assert table.ask("chat").holds[0].units == 40


def test_a_report_settles_what_it_says_and_a_second_one_must_say_the_same() -> None:
    table = Table(LOCAL)
    decision = table.ask(expected_cost=4)
    table.report(decision.intent_id, actual_cost=3)
    assert table.figures("local/jobs").used == 3
    assert table.report(decision.intent_id, actual_cost=3).duplicate
    assert table.figures("local/jobs").used == 3
    with pytest.raises(Conflict):
        table.report(decision.intent_id, actual_cost=5)


def test_cancelling_frees_and_an_error_without_cost_counts_as_held() -> None:
    table = Table(LOCAL)
    table.report(table.ask(expected_cost=4).intent_id, "cancelled")
    assert table.figures("local/jobs").used == 0
    table.report(table.ask(expected_cost=4).intent_id, "error")
    assert table.figures("local/jobs").used == 4


def test_what_nobody_reports_becomes_use_at_its_expiry() -> None:
    table = Table(LOCAL.replace("60s", "1h"))
    table.ask(expected_cost=4)
    table.pass_time(60)
    figures = table.figures("local/jobs")
    assert (figures.used, figures.held) == (4, 0)
    assert len(table.events(HoldExpired)) == 1


def test_a_rule_that_denies_is_named_in_the_reason() -> None:
    table = Table(
        LOCAL
        + """
policies:
  - id: house
    scope: global
    rules:
      - {name: keep-some, condition: "remaining < 9", action: deny, params: {reason: "too little left"}}
"""
    )
    table.ask(expected_cost=2)
    denied = table.ask()
    assert denied.reason_code == "policy"
    assert denied.decided_by is not None
    assert (denied.decided_by.policy_id, denied.decided_by.rule) == ("house", "keep-some")
    assert "house" in denied.reason
    assert "keep-some" in denied.reason
    assert [triggered.rule for triggered in table.events(PolicyTriggered)] == ["keep-some"]


def test_a_rule_that_shapes_makes_the_intent_wait() -> None:
    table = Table(
        LOCAL
        + """
policies:
  - id: house
    scope: global
    rules:
      - {name: slow, condition: "true", action: shape, params: {wait_seconds: 2}}
"""
    )
    decision = table.ask()
    assert decision.decision == "approve_with_modifications"
    assert decision.modifications.wait == 2 * SECOND
    assert decision.decided_by is not None
    denied = table.ask(max_wait=SECOND)
    assert denied.reason_code == "wait_too_long"


def test_background_work_is_shed_when_its_pool_is_about_to_run_dry() -> None:
    table = Table(LOCAL.replace("limit: 10", "limit: 100").replace("60s", "1h"))
    for _ in range(9):
        table.report(table.ask(expected_cost=10).intent_id)
        table.pass_time(1)
    shed = table.ask(urgency="background")
    assert shed.reason_code == "risk_too_high"
    assert table.ask(urgency="high").decision == "approve"


def test_drift_is_detected_and_the_providers_number_adopted() -> None:
    table = Table("providers: {mock: [{id: m}]}")
    table.observe("m/p", limit=1000, used=0, reset_at=table.now + 3600 * SECOND)
    table.pass_time(1)
    table.observe("m/p", used=500)
    assert table.figures("m/p").used == 500
    (drift,) = table.events(DriftDetected)
    assert drift.distance == 500


def test_a_replay_of_the_log_gives_the_same_state() -> None:
    table = Table(LOCAL + "providers: {mock: [{id: m}]}")
    table.observe("m/p", limit=100, used=3, reset_at=table.now + 30 * SECOND)
    for number in range(15):
        decision = table.ask(expected_cost=1 + number % 3, agent_id=f"a{number % 4}")
        if number % 2:
            table.report(decision.intent_id, actual_cost=number % 5)
        table.pass_time(7)
    now = table.now
    table.engine.scribe.turn(now)
    assert table.replayed().picture(now) == table.engine.state.picture(now)


def test_one_absurd_report_does_not_shut_a_workload_out() -> None:
    table = Table(LOCAL)
    first = table.ask()
    table.report(first.intent_id, actual_cost=1_000)
    table.pass_time(70)
    again = table.ask()
    assert again.allowed
    assert again.holds[0].units == 9


def test_a_cost_that_names_a_pool_nobody_draws_from_is_pointed_out() -> None:
    decision = Table(LOCAL).ask(costs={"local/jbos": 3})
    assert decision.allowed
    assert any("local/jbos" in warning for warning in decision.warnings)
