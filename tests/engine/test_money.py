"""Money: priced from the price list, held rounded up, settled by what was really used."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from ratelord_core.engine.prices import Amount, Prices
from ratelord_core.events.payloads import ConfigLoaded, IntentDecided, IntentReported
from ratelord_core.model.money import dollars
from ratelord_core.testing.table import Table

BUDGET = "{id: budget/day, unit: microusd, limit: 100000, window: {kind: calendar, every: day}}"
POLICY = f"""
providers: {{mock: [{{id: llm}}]}}
pools: [{BUDGET}]
pricing:
  llm: {{gpt-x-input: 3000, gpt-x-output: 6000, gpt-x-cached: 300, mini-input: 10.5, mini-output: 20}}
"""
TOKENS = "llm/tokens"


def money(decision: object) -> int:
    (line,) = [line for line in decision.holds if line.pool == "budget/day"]  # type: ignore[attr-defined]  # a Decision
    return int(line.units)


def test_small_amounts_are_told_apart() -> None:
    assert [dollars(one) for one in (0, 250, 9_000, 18_000, 20_000, 1_250_000, 3_000_000_000)] == [
        *("$0.00", "$0.00025", "$0.009", "$0.018", "$0.02", "$1.25", "$3,000.00")
    ]


def test_an_intent_that_names_what_is_counted_holds_what_it_costs() -> None:
    table = Table(POLICY)
    decision = table.ask(model="gpt-x", costs={"llm/input": 1000, "llm/output": 500})
    assert money(decision) == 3000 + 3000
    assert decision.warnings == ()
    assert table.events(IntentDecided)[0].cost == 6000


def test_a_fraction_of_a_micro_dollar_is_rounded_up() -> None:
    assert money(Table(POLICY).ask(model="mini", costs={"llm/input": 1})) == 1


def test_tokens_that_nobody_splits_are_held_at_the_dearest_price_of_their_model() -> None:
    assert money(Table(POLICY).ask(model="gpt-x", costs={TOKENS: 1000})) == 6000
    assert money(Table(POLICY).ask(model="mini", costs={TOKENS: 1000})) == 20


def test_a_model_that_the_price_list_does_not_know_is_held_at_the_dearest_of_all() -> None:
    assert money(Table(POLICY).ask(model="new", costs={TOKENS: 1000})) == 6000
    assert money(Table(POLICY).ask(costs={"llm/input": 1000})) == 3000


def test_a_report_settles_exactly_what_was_used() -> None:
    table = Table(POLICY)
    asked = table.ask(model="gpt-x", costs={TOKENS: 1000})
    table.report(asked.intent_id, costs={TOKENS: 900, "llm/input": 500, "llm/output": 400})
    assert table.figures("budget/day").used == 1500 + 2400
    assert table.events(IntentReported)[0].cost == 3900


def test_a_report_without_amounts_costs_what_was_held_and_a_cancelled_one_nothing() -> None:
    table = Table(POLICY)
    table.report(table.ask(model="gpt-x", costs={"llm/input": 1000}).intent_id)
    assert table.figures("budget/day").used == 3000
    table.report(table.ask(model="gpt-x", costs={"llm/input": 1000}).intent_id, "cancelled")
    assert table.figures("budget/day").used == 3000
    assert [event.cost for event in table.events(IntentReported)] == [3000, 0]


def test_what_a_report_leaves_out_of_another_provider_stays_as_expected() -> None:
    prices = "pricing: {llm: {input: 1000}, web: {pages: 5000}}"
    table = Table(f"pools: [{BUDGET}]\n{prices}")
    asked = table.ask(costs={"llm/input": 100, "web/pages": 10})
    assert money(asked) == 150
    table.report(asked.intent_id, costs={"llm/input": 300})
    assert table.figures("budget/day").used == 350


def test_a_pool_is_priced_by_its_id_or_its_unit() -> None:
    policy = f"""
pools: [{BUDGET}, {{id: api/calls, limit: 100, window: {{kind: fixed, every: 60s}}}}]
workloads: {{work: {{consumes: {{api/calls: 2}}}}}}
pricing: {{api: {{requests: 500000}}}}
"""
    assert money(Table(policy).ask()) == 1000
    assert money(Table(policy.replace("requests: 500000", "calls: 700000")).ask()) == 1400


def test_a_price_for_requests_charges_one_where_nobody_counts_them() -> None:
    table = Table(f"pools: [{BUDGET}]\npricing: {{llm: {{requests: 250000, input: 1000}}}}")
    assert money(table.ask(costs={"llm/input": 1000})) == 1000 + 250


def test_money_that_the_asker_or_the_workload_names_is_taken_as_said() -> None:
    table = Table(POLICY + "workloads: {fixed: {consumes: {budget/day: 77}}}")
    assert money(table.ask(costs={"budget/day": 5, "llm/input": 1000})) == 5
    assert money(table.ask("fixed", costs={"llm/input": 1000})) == 77


def test_what_has_no_price_draws_no_money_until_reports_taught_it() -> None:
    table = Table(POLICY)
    asked = table.ask(expected_cost=3)
    assert money(asked) == 0
    table.report(asked.intent_id, costs={"budget/day": 40})
    assert money(table.ask()) == 40


def test_a_budget_that_would_be_passed_is_the_reason() -> None:
    table = Table(POLICY)
    denied = table.ask(model="gpt-x", costs={"llm/output": 20_000}, max_wait=0)
    assert (denied.allowed, denied.reason_code) == (False, "budget_exceeded")
    assert "budget/day" in denied.reason


def test_a_budget_admits_exactly_what_it_can_pay() -> None:
    table = Table(POLICY)
    asked = {"model": "gpt-x", "costs": {"llm/output": 1000}, "max_wait": 0}
    assert [table.ask(**asked).allowed for _ in range(18)] == [True] * 16 + [False] * 2
    assert table.figures("budget/day").held == 96_000


def test_a_restarted_engine_settles_at_the_prices_of_the_hold() -> None:
    table = Table(POLICY)
    asked = table.ask(model="gpt-x", costs={"llm/input": 1000})
    assert table.events(ConfigLoaded)[0].pricing != "{}"
    table.restart()
    table.report(asked.intent_id, costs={"llm/input": 2000})
    assert table.figures("budget/day").used == 6000
    assert table.replayed().picture(table.now) == table.engine.state.picture(table.now)


def test_a_budget_of_a_team_counts_whoever_carries_its_label() -> None:
    table = Table("""
pools:
  - {id: budget/red, unit: microusd, limit: 5000, window: {kind: calendar, every: month},
     shared_by: ["label:team:red"]}
agents: {crawler-*: {labels: {team: red}}, writer: {labels: {team: blue}}}
identities: [{id: pat:x, labels: {team: red}}]
pricing: {llm: {input: 1000}}
""")

    def pools(**who: str) -> list[str]:
        return [line.pool for line in table.ask(costs={"llm/input": 1}, **who).holds]

    assert pools(agent_id="crawler-7") == ["budget/red"]
    assert pools(agent_id="writer") == []
    assert pools(agent_id="writer", identity_id="pat:x") == ["budget/red"]
    assert table.figures("budget/red").held == 2


@settings(max_examples=100, deadline=None)
@given(
    price=st.decimals(0, 10_000, places=4),
    amounts=st.lists(st.integers(0, 10**9), min_size=1, max_size=3),
)
def test_a_sum_is_the_exact_one_rounded_up_once(price: object, amounts: list[int]) -> None:
    names = ("input", "output", "cached")[: len(amounts)]
    prices = Prices({"p": {name: float(str(price)) for name in names}})
    cost = prices.cost([Amount(f"p/{n}", a) for n, a in zip(names, amounts, strict=True)], None)
    exact = sum(amounts) * Fraction(str(float(str(price)))) / 1000
    assert cost is not None
    assert exact <= cost < exact + 1


def test_micro_dollars_are_no_units_where_something_else_is_drawn() -> None:
    rule = '{name: big, condition: "intent.expected_cost > 50", action: deny}'
    api = "{id: api/calls, limit: 100, window: {kind: fixed, every: 1h}}"
    policy = POLICY.replace(BUDGET, f"{BUDGET}, {api}") + f"policies: [{{id: p, rules: [{rule}]}}]"
    decision = Table(policy).ask(model="gpt-x", costs={"api/calls": 2, TOKENS: 1000})
    assert money(decision) == 6000
    assert decision.allowed
    assert not Table(policy).ask(costs={"api/calls": 51}).allowed
