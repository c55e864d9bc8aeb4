"""What would have been enough for a denied intent, found by asking the engine again."""

from __future__ import annotations

from typing import Any

import pytest

from ratelord_core.clock import SeededEntropy
from ratelord_core.engine.nearest import nearest
from ratelord_core.model.decision import Decision
from ratelord_core.model.instant import SECOND
from ratelord_core.model.intent import Intent
from ratelord_core.testing.table import Table

POOL = """
settings: {high_reserve_percent: 5}
identities: [{id: other, kind: user}, {id: kept, kind: user, allowed_agents: [boss]}]
pools: [{id: work/units, limit: 100, window: {kind: sliding, every: 60s}}]
workloads: {work: {consumes: {work/units: 1}}}
"""
RULES = (
    POOL
    + """
policies:
  - id: p
    rules:
      - {name: one-identity, condition: "identity.id == 'i' && intent.units > 17", action: deny}
"""
)


def asked(table: Table, **fields: Any) -> dict[str, Any]:
    """What a denied question could have been changed to, by kind."""
    fields = {"agent_id": "a", "identity_id": "i", "scope_id": "repo:x/y"} | fields
    intent = Intent(workload_id="work", **fields)
    before = table.engine.state.picture(table.now)
    engine = table.engine
    found = nearest(engine.state, engine.policy, SeededEntropy(3), intent, table.now)
    assert table.engine.state.picture(table.now) == before
    return {change.kind: (change.value, change.text) for change in found}


def deny(table: Table, **fields: Any) -> Decision:
    decision = table.ask(**fields)
    assert not decision.allowed
    return decision


def test_fewer_units_or_another_identity_or_no_such_rule_would_have_been_enough() -> None:
    table = Table(RULES)
    deny(table, expected_cost=40)
    assert asked(table, expected_cost=40) == {
        "fewer": (17, "for at most 17 units"),
        "identity": ("other", "as identity other"),
        "rule": ("p/one-identity", "without rule p/one-identity"),
    }
    assert table.ask(expected_cost=17).allowed
    assert table.ask(expected_cost=40, identity_id="other").allowed


def test_the_moment_from_which_it_would_be_allowed_is_found_to_the_second() -> None:
    table = Table(POOL)
    table.report(table.ask(expected_cost=90).intent_id)
    table.pass_time(18)
    question = {"expected_cost": 50, "max_wait": 0}
    deny(table, **question)
    found = asked(table, **question)
    assert found["later"] == (42.0, "42 s later")
    assert found["fewer"] == (10, "for at most 10 units")
    assert found["patience"] == (42.0, "if it may wait 42 s")
    table.pass_time(41)
    deny(table, **question)
    table.pass_time(1)
    assert table.ask(**question).allowed


def test_providers_are_taken_to_go_on_telling_of_their_pools_unless_they_are_silent_already() -> (
    None
):
    table = Table("providers: {mock: [{id: m}]}\nworkloads: {work: {consumes: {m/t: 1}}}\n")
    reset_at = table.now + 600 * SECOND
    table.observe("m/t", limit=10, used=10, reset_at=reset_at)
    table.engine.state.polling.intervals = {"m": 4 * SECOND}
    question = {"max_wait": 0}
    deny(table, **question)

    assert 600 <= asked(table, **question)["later"][0] <= 610
    table.pass_time(60)
    deny(table, **question)
    assert "later" not in asked(table, **question)


def test_holds_that_end_meanwhile_are_taken_into_account() -> None:
    table = Table(POOL.replace("{kind: sliding, every: 60s}", "concurrency"))
    table.ask(expected_cost=100)
    found = asked(table, expected_cost=1, max_wait=0)
    assert found["later"][0] == 900.0


def test_what_is_kept_for_the_urgent_is_named_where_it_is_all_there_is() -> None:
    table = Table(
        "providers: {mock: [{id: m}]}\nworkloads: {work: {consumes: {m/p: 1}}}\n"
        "pools: [{id: m/p, window: {kind: fixed, every: 1h}}]"
    )
    table.observe("m/p", limit=100, used=95, reset_at=table.now + 3600 * SECOND)
    deny(table, max_wait=0)
    assert asked(table, max_wait=0)["urgency"] == ("high", "with high urgency")


def test_hours_of_rules_are_waited_for() -> None:
    # The table's clock stands at a Thursday, midnight UTC.
    table = Table(
        POOL
        + "policies: [{id: p, rules: [{name: night, action: deny, condition: 'time.hour < 6'}]}]"
    )
    assert asked(table)["later"][0] == pytest.approx(6 * 3600, rel=0.002)


def test_what_is_allowed_and_what_nothing_helps_have_no_nearest_change() -> None:
    assert asked(Table(POOL)) == {}
    closed = Table(POOL + "policies: [{id: p, rules: [{name: r, action: deny}]}]")
    assert asked(closed).keys() == {"rule"}
    assert asked(closed, provider_id="work", pool_id="gone") == {}
