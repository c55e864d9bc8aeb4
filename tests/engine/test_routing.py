"""Routing answers: another identity, route, protocol or a smaller action, held where they lead."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratelord_core.engine.rehearsal import rehearse
from ratelord_core.events.codec import open_record
from ratelord_core.events.payloads import IntentReported
from ratelord_core.model.instant import HOUR, SECOND
from ratelord_core.model.intent import Intent
from ratelord_core.testing.table import Table

HOURLY = "window: {kind: fixed, every: 1h}"
IDENTITIES = f"""
pools:
  - {{id: own/a, limit: 10, {HOURLY}, shared_by: ["identity:pat:a"]}}
  - {{id: own/b, limit: 20, {HOURLY}, shared_by: ["identity:pat:b"]}}
  - {{id: own/c, limit: 30, {HOURLY}, shared_by: ["identity:pat:c"]}}
identities: [{{id: pat:a}}, {{id: pat:b}}, {{id: pat:c, allowed_agents: [zed]}}]
"""
SWITCH = "- {name: spread, action: switch, params: {to: [pat:b, pat:c], reason: share}}"
WORK = f"""
pools:
  - {{id: api/rest, limit: 10, {HOURLY}, shared_by: ["workload:scan"]}}
  - {{id: api/graphql, limit: 10, {HOURLY}, shared_by: ["workload:scan_graphql"]}}
  - {{id: api/small, limit: 10, {HOURLY}, shared_by: ["workload:peek"]}}
workloads:
  scan: {{consumes: {{api/rest: 4}}, degrade: [nothing_known, peek], protocols: {{graphql: scan_graphql}}}}
  scan_graphql: {{consumes: {{api/graphql: 3}}}}
  peek: {{consumes: {{api/small: 1}}}}
"""


def table_with(more: str, *rules: str, scope: str = "global", kind: str = "hard") -> Table:
    lines = "".join(f"      {rule}\n" for rule in rules)
    return Table(
        f"{more}\npolicies:\n  - id: p\n    scope: {scope}\n    type: {kind}\n    rules:\n{lines}"
    )


def drawn(decision: Any) -> dict[str, int]:
    return {line.pool: line.units for line in decision.holds}


def test_a_switch_charges_the_allowed_identity_with_the_most_headroom() -> None:
    table = table_with(IDENTITIES, SWITCH)
    decision = table.ask(identity_id="pat:a", expected_cost=1)
    assert decision.modifications.identity_switch == "pat:b"
    assert decision.decision == "approve_with_modifications"
    assert drawn(decision) == {"own/b": 1}
    assert decision.decided_by is not None
    assert decision.decided_by.rule == "spread"
    assert "share" in decision.reason
    assert table.figures("own/a").held == 0


def test_an_identity_that_the_agent_may_not_use_is_no_candidate() -> None:
    table = table_with(IDENTITIES, SWITCH)
    assert table.ask(identity_id="pat:a").modifications.identity_switch == "pat:b"
    answer = table.ask(identity_id="pat:a", agent_id="zed")
    assert answer.modifications.identity_switch == "pat:c"


def test_who_has_the_most_headroom_already_stays() -> None:
    table = table_with(IDENTITIES, "- {name: s, action: switch, params: {to: [pat:a]}}")
    assert table.ask(identity_id="pat:b").decision == "approve"


def test_the_report_settles_and_teaches_what_was_charged_instead() -> None:
    table = table_with(IDENTITIES, SWITCH)
    table.report(table.ask(identity_id="pat:a").intent_id, actual_cost=3)
    assert (table.figures("own/a").used, table.figures("own/b").used) == (0, 3)
    (record,) = table.records(IntentReported.event_type)
    assert open_record(record).dimensions.identity_id == "pat:b"


def test_a_rule_above_binds_the_substitute_as_well() -> None:
    above = (
        "- {name: no-b, action: deny, priority: 9, condition: \"intent.identity_id == 'pat:b'\"}"
    )
    table = table_with(IDENTITIES, above, SWITCH)
    decision = table.ask(identity_id="pat:a")
    assert decision.decision == "approve"
    assert any("nothing that it names is allowed" in warning for warning in decision.warnings)


def test_a_denial_is_not_routed_around_by_a_lower_level() -> None:
    table = Table(f"""{IDENTITIES}
policies:
  - {{id: top, rules: [{{name: never, action: deny, condition: "intent.identity_id == 'pat:a'"}}]}}
  - {{id: low, scope: "agent:a", rules: [{SWITCH[2:]}]}}
""")
    assert not table.ask(identity_id="pat:a").allowed


def test_a_soft_policy_only_says_so() -> None:
    decision = table_with(IDENTITIES, SWITCH, kind="soft").ask(identity_id="pat:a")
    assert decision.decision == "approve"
    assert any("would be done otherwise" in warning for warning in decision.warnings)


def test_what_is_exhausted_goes_on_with_another_identity() -> None:
    table = table_with(IDENTITIES, SWITCH)
    answers = [table.ask(identity_id="pat:a", max_wait=0) for _ in range(31)]
    assert [answer.allowed for answer in answers] == [True] * 30 + [False]
    assert (table.figures("own/a").held, table.figures("own/b").held) == (10, 20)


def test_a_degraded_workload_is_what_is_held() -> None:
    table = table_with(WORK, "- {name: less, action: degrade, params: {to: peek}}")
    decision = table.ask("scan")
    assert (decision.modifications.degrade, drawn(decision)) == ("peek", {"api/small": 1})


def test_degrading_is_no_way_past_the_pools_and_no_way_to_wait_longer() -> None:
    table = table_with(WORK, "- {name: less, action: degrade}")
    for _ in range(10):
        assert table.ask("peek").allowed
    assert table.ask("scan").decision == "approve"


def test_a_protocol_switch_holds_what_its_substitute_costs() -> None:
    table = table_with(WORK, "- {name: gql, action: switch_protocol, params: {to: graphql}}")
    decision = table.ask("scan")
    assert decision.modifications.protocol_switch == "graphql"
    assert drawn(decision) == {"api/graphql": 3}
    assert table.ask("peek").decision == "approve"  # declares no substitute


def test_a_cost_is_limited_in_every_pool_and_left_alone_below() -> None:
    table = table_with(WORK, "- {name: cap, action: limit_cost, params: {max_cost: 2}}")
    left_alone = table.ask("peek")
    assert (left_alone.decision, left_alone.warnings) == ("approve", ())
    decision = table.ask("scan")
    assert (decision.modifications.max_cost, drawn(decision)) == (2, {"api/rest": 2})


ROUTED = """
providers: {mock: [{id: fast}, {id: cheap}]}
pools: [{id: budget/day, unit: microusd, limit: 1000000, window: {kind: calendar, every: day}}]
pricing: {fast: {requests: 9000000}, cheap: {requests: 1000000, mini-requests: 500000}}
"""


def routed(*rules: str, fast: int = 0, cheap: int = 0) -> Table:
    table = table_with(ROUTED, *rules)
    for pool, used in (("fast/rpm", fast), ("cheap/rpm", cheap)):
        table.observe(pool, limit=100, used=used, reset_at=table.now + HOUR)
    return table


def route(by: str, *targets: str) -> str:
    return f"- {{name: r, action: route, params: {{by: {by}, to: [{', '.join(targets)}]}}}}"


def test_a_route_leads_to_the_provider_with_the_most_headroom() -> None:
    rule = route("headroom", "{pool: fast/rpm}", "{pool: cheap/rpm}")
    decision = routed(rule, fast=20, cheap=50).ask(pool_id="cheap/rpm")
    assert decision.modifications.route == {"pool_id": "fast/rpm"}
    assert drawn(decision) == {"fast/rpm": 1, "budget/day": 9000}


def test_a_route_by_cost_leads_to_the_cheapest_model_and_is_settled_at_its_price() -> None:
    table = routed(route("cost", "{pool: cheap/rpm}", "{pool: cheap/rpm, model: mini}"))
    decision = table.ask(pool_id="fast/rpm")
    assert decision.modifications.route == {"pool_id": "cheap/rpm", "model": "mini"}
    table.report(decision.intent_id, actual_cost=2)
    assert table.figures("budget/day").used == 1000


def test_a_route_by_weight_divides_the_crowd_in_proportion() -> None:
    rule = route("weight", "{pool: fast/rpm, weight: 3}", "{pool: cheap/rpm, weight: 1}")
    table = routed(rule)
    ways = [table.ask(pool_id="fast/rpm").modifications.route for _ in range(80)]
    fast = sum(way is None for way in ways)  # it was asked for: nothing to change
    assert 45 <= fast <= 75


def test_a_route_in_order_falls_back_when_the_first_is_full() -> None:
    rule = route("order", "{pool: fast/rpm}", "{pool: cheap/rpm}")
    table = routed(rule, fast=100)
    decision = table.ask(pool_id="fast/rpm", max_wait=0)
    assert decision.modifications.route == {"pool_id": "cheap/rpm"}


def test_cost_efficiency_suggests_or_enforces_what_is_cheaper() -> None:
    said = (
        "{{name: thrift, action: cost_efficiency, params: {{mode: {}, to: [{{pool: cheap/rpm}}]}}}}"
    )
    suggested = routed("- " + said.format("suggest")).ask(pool_id="fast/rpm")
    assert suggested.decision == "approve"
    assert any("1000 micro-USD" in warning for warning in suggested.warnings)
    assert suggested.alternatives[0]["cost_microusd"] == 1000
    enforced = routed("- " + said.format("enforce")).ask(pool_id="fast/rpm")
    assert enforced.modifications.route == {"pool_id": "cheap/rpm"}


def test_cost_efficiency_waits_until_the_runway_is_short() -> None:
    rule = (
        "- {name: thrift, action: cost_efficiency, "
        "params: {mode: enforce, runway_seconds: 60, to: [{pool: cheap/rpm}]}}"
    )
    assert routed(rule).ask(pool_id="fast/rpm").decision == "approve"


def test_a_denial_lists_what_would_be_approved_with_its_cost_and_wait() -> None:
    table = table_with(WORK)
    for _ in range(2):
        table.ask("scan")
    denied = table.ask("scan", max_wait=0)
    assert not denied.allowed
    assert denied.alternatives == (
        {"degrade": "peek", "wait_seconds": 0.0, "units": 1},
        {"protocol_switch": "graphql", "wait_seconds": 0.0, "units": 3},
        {"max_cost": 2, "wait_seconds": 0.0, "units": 2},
    )
    for pool in ("api/small", "api/graphql"):
        assert table.figures(pool).held == 0


def test_a_short_wait_offers_nothing_and_a_long_one_what_is_sooner() -> None:
    table = table_with(WORK)
    table.ask("scan", costs={"api/rest": 10}, duration=5 * SECOND)
    assert table.ask("scan", max_wait=2 * HOUR).alternatives != ()
    assert table_with(WORK).ask("scan").alternatives == ()


def test_alternatives_do_hold_when_they_are_asked_for() -> None:
    table = table_with(WORK)
    table.ask("scan", expected_cost=2)
    denied = table.ask("scan", max_wait=0)
    most = next(each["max_cost"] for each in denied.alternatives if "max_cost" in each)
    assert table.ask("scan", costs={"api/rest": most}, max_wait=0).decision == "approve"


def test_the_same_key_gives_the_same_route_and_holds_once() -> None:
    table = table_with(IDENTITIES, SWITCH)
    first = table.ask(identity_id="pat:a", idempotency_key="k")
    assert table.ask(identity_id="pat:a", idempotency_key="k") == first
    assert table.figures("own/b").held == 1


def test_a_dry_run_shows_the_route_and_holds_nothing() -> None:
    table = table_with(IDENTITIES, SWITCH)
    assert table.ask(identity_id="pat:a", dry_run=True).modifications.identity_switch == "pat:b"
    assert table.figures("own/b").held == 0


def test_a_plan_is_routed_as_its_steps_will_be_and_holds_nothing() -> None:
    table = table_with(IDENTITIES, SWITCH)
    intent = Intent("a", "pat:a", "work", "repo:x/y", expected_cost=10)
    engine = table.engine
    told = rehearse(engine.state, engine.policy, engine.entropy, [intent] * 3, table.now)
    assert [step.modifications.identity_switch for step in told] == ["pat:b", None, "pat:b"]
    assert table.figures("own/b").held == 0


@pytest.mark.parametrize(
    "params",
    [
        "route, params: {to: []}",
        "route, params: {to: [{}]}",
        "route, params: {to: [{modle: x}]}",
        "switch, params: {to: ['not an id']}",
        "limit_cost, params: {max_cost: 0}",
        "switch_protocol",
    ],
)
def test_ill_typed_parameters_are_refused_when_the_policy_is_read(params: str) -> None:
    with pytest.raises(Exception, match="action"):
        table_with(WORK, f"- {{name: x, action: {params}}}")


@settings(max_examples=40, deadline=None)
@given(
    asks=st.lists(
        st.tuples(
            st.sampled_from(["pat:a", "pat:b", "pat:c"]),
            st.integers(1, 12),
            st.sampled_from([0, 10, 3600]),
            st.sampled_from(["keep", "report", "cancel"]),
        ),
        min_size=1,
        max_size=25,
    )
)
def test_routing_never_admits_more_than_there_is_and_replays_to_the_same_state(
    asks: list[tuple[str, int, int, str]],
) -> None:
    limits = {"own/a": 10, "own/b": 20, "own/c": 30}
    table = table_with(
        IDENTITIES, SWITCH, "- {name: cap, action: limit_cost, params: {max_cost: 6}}"
    )
    for identity, units, wait, then in asks:
        decision = table.ask(identity_id=identity, expected_cost=units, max_wait=wait * SECOND)
        if decision.allowed and not decision.modifications.wait and then != "keep":
            outcome = "success" if then == "report" else "cancelled"
            table.report(decision.intent_id, outcome)
        table.pass_time(1)
        for pool, limit in limits.items():
            figures = table.figures(pool)
            assert figures.used + figures.held <= limit
    assert table.replayed().picture(table.now) == table.engine.state.picture(table.now)
