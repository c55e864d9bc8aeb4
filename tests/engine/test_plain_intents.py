"""Most intents are answered at a glance; what needs weighing is weighed."""

from __future__ import annotations

from typing import Any

import pytest

from ratelord_core.engine.weighed import Weighed
from ratelord_core.events.payloads import IntentDecided
from ratelord_core.model.instant import SECOND
from ratelord_core.model.intent import Intent
from ratelord_core.policy.gates import Gate
from ratelord_core.testing.table import Table

POLICY = """
pools:
  - {id: local/calls, limit: 100, window: {kind: fixed, every: 60s}, shared_by: [work]}
  - {id: local/tokens, limit: 1000, window: {kind: bucket, every: 60s}, shared_by: [work]}
workloads: {work: {consumes: {local/calls: 1, local/tokens: 10}}}
policies:
  - id: house
    scope: global
    rules:
      - {name: low, condition: "remaining < 10", action: deny}
      - {name: lower, condition: "remaining < 3 && intent.urgency != 'high'", action: deny}
      - {name: batch, condition: "intent.workload_id == 'batch'", action: deny}
      - {name: risky, condition: "risk.p_exhaustion > 0.99", action: warn}
"""


def looked_at(table: Table, **fields: Any) -> Weighed | IntentDecided:
    """What deciding makes of an intent at first: its answer, or what must be weighed."""
    names = {"agent_id": "a", "identity_id": "i", "scope_id": "repo:x/y", "workload_id": "work"}
    intent = Intent(**(names | {"expected_cost": 1} | fields))
    return table.engine.negotiator._weigh(intent, table.now, None, plain=True)


def test_a_plain_intent_is_answered_at_a_glance() -> None:
    found = looked_at(Table(POLICY))

    assert isinstance(found, IntentDecided)
    assert (found.decision, found.looked) == ("approve", "0-3")
    assert [(line.pool, line.units, line.remaining) for line in found.holds] == [
        ("local/calls", 1, 99),
        ("local/tokens", 10, 990),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"urgency": "background"},
        {"costs": {"local/calls": 2.0}},
        {"expected_cost": 95},
        {"expected_cost": 101},
        {"workload_id": "batch"},
    ],
    ids=["it may be shed", "it names costs", "waits for another", "never fits", "another workload"],
)
def test_what_is_not_plain_is_weighed(fields: dict[str, Any]) -> None:
    table = Table(POLICY.replace("shared_by: [work]", "shared_by: ['*']"))
    if fields.get("expected_cost") == 95:
        table.ask(expected_cost=50)

    assert isinstance(looked_at(table, **fields), Weighed)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("remaining < 10", "pool.utilization > 0.9"),
        ("remaining < 10", "remaining < 10 || remaining > 500"),
        ("remaining < 10", "remaining + 0.0 < 10.0"),
        ("intent.workload_id == 'batch'", "intent.workload_id != 'work'"),
        ("remaining < 10", "true"),
    ],
    ids=["another value", "one of two", "a sum", "all but one", "always"],
)
def test_rules_that_a_glance_does_not_understand_are_weighed(before: str, after: str) -> None:
    table = Table(POLICY.replace(f'"{before}"', f'"{after}"'))

    assert isinstance(looked_at(table), Weighed)


def test_a_level_of_simple_rules_knows_between_which_values_none_applies() -> None:
    table = Table(POLICY)
    intent = Intent("a", "i", "work", "repo:x/y")
    binding = table.engine.state.graph.bind(intent)
    (level,) = table.engine.policy.levels(binding, intent)

    assert level.gates == (
        Gate("remaining", None, least=10.0),
        Gate("intent.workload_id", None, texts=frozenset({"batch"})),
        Gate("risk.p_exhaustion", None, most=0.99),
    )


@pytest.mark.parametrize("comparison", ["<", "<=", ">", ">="])
@pytest.mark.parametrize("left", [39, 40, 41])
def test_a_gate_is_shut_exactly_where_its_comparison_does_not_hold(
    comparison: str, left: int
) -> None:
    policy = f"""
pools: [{{id: local/calls, limit: {left}, window: {{kind: fixed, every: 60s}}}}]
policies:
  - id: house
    scope: global
    rules: [{{name: bound, condition: "remaining {comparison} 40", action: deny}}]
"""
    table = Table(policy)
    applies = {"<": left < 40, "<=": left <= 40, ">": left > 40, ">=": left >= 40}[comparison]

    assert isinstance(looked_at(table), Weighed if applies else IntentDecided)
    assert table.ask().allowed is not applies


def test_rules_mean_the_tightest_pool_at_a_glance_too() -> None:
    policy = POLICY.replace("kind: bucket", "kind: fixed").replace(
        "local/tokens: 10", "local/tokens: 1"
    )
    table = Table(policy)
    table.ask(expected_cost=90)

    assert isinstance(looked_at(table), IntentDecided)
    table.ask(expected_cost=1)
    assert table.figures("local/tokens").available == 909
    assert isinstance(looked_at(table), Weighed)


def test_a_plain_answer_is_written_down_like_any_other() -> None:
    table = Table(POLICY)
    answered = table.ask(expected_cost=3)
    table.pass_time(61)

    (logged,) = table.events(IntentDecided)
    assert [line.units for line in logged.holds] == [3, 30]
    assert answered.holds[0].expires_at == answered.as_of + 60 * SECOND
    now = table.now
    assert table.replayed().picture(now) == table.engine.state.picture(now)
