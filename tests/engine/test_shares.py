"""Reserves and shares of a pool: kept for some while they are there, and never more than there is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratelord_core.model.instant import HOUR
from ratelord_core.testing.table import Table

HOURLY = "window: {kind: fixed, every: 1h}"


def pool_with(more: str, limit: int = 100, window: str = HOURLY) -> Table:
    return Table(f"""
pools: [{{id: api, limit: {limit}, {window}, {more}}}]
agents: {{"red-*": {{labels: {{team: red}}}}, big: {{weight: 9}}}}
scopes: {{"repo:acme/*": "org:acme"}}
""")


def ask(table: Table, agent: str, units: int = 1, **fields: Any) -> Any:
    return table.ask(agent_id=agent, expected_cost=units, **({"max_wait": 0} | fields))


def admitted(table: Table, agent: str, **fields: Any) -> int:
    """Units that an agent gets one by one until there are no more."""
    count = 0
    while ask(table, agent, **fields).allowed:
        count += 1
    return count


# --- reserves -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "window",
    [
        HOURLY,
        "window: {kind: calendar, every: hour}",
        "window: {kind: sliding, every: 1h}",
        "window: {kind: bucket, every: 1000h}",
        "window: concurrency",
    ],
)
def test_a_reserve_is_kept_for_urgent_work_in_every_kind_of_window(window: str) -> None:
    table = pool_with("reserve: {urgency: high, percent: 10}", window=window)
    assert admitted(table, "a") == 90
    assert admitted(table, "a", urgency="high") == 10


def test_a_reserve_melts_as_the_reset_nears_and_nothing_is_left_unused() -> None:
    table = pool_with("reserve: {percent: 20}")
    assert admitted(table, "a") == 80
    table.pass_time(1800)
    assert admitted(table, "a") == 10
    table.pass_time(1799)
    assert admitted(table, "a") == 10


def test_a_reserve_of_a_pool_beats_the_setting() -> None:
    text = "providers: {mock: [{id: m}]}\npools: [{id: m/p, reserve: {percent: %d}}]"
    for percent, left in ((0, 100), (30, 70)):
        table = Table(text % percent)
        table.observe("m/p", limit=100, used=0, reset_at=table.now + HOUR, window_every=HOUR)
        assert admitted(table, "a", pool_id="m/p") == left


# --- shares -------------------------------------------------------------------------------------


def test_an_idle_share_is_everybodys() -> None:
    table = pool_with('shares: {"agent:deployer": 40}')
    assert admitted(table, "other") == 100


def test_a_share_is_kept_for_whoever_came_by() -> None:
    table = pool_with('shares: {"agent:deployer": 40}')
    assert ask(table, "deployer").allowed
    assert admitted(table, "other") == 60
    assert admitted(table, "deployer") == 39


def test_who_has_a_share_may_have_more_of_what_nobody_keeps() -> None:
    table = pool_with('shares: {"agent:deployer": 40}')
    assert admitted(table, "deployer") == 100


def test_a_share_melts_and_is_let_go_when_its_holder_stays_away() -> None:
    table = pool_with('shares: {"agent:deployer": 40}')
    assert ask(table, "deployer").allowed
    table.pass_time(1800)
    assert admitted(table, "other") == 100 - 1 - 19
    table.pass_time(3600)
    assert admitted(table, "other") == 100


def test_several_who_have_a_share_together_have_it_together() -> None:
    table = pool_with('shares: {"label:team:red": {least: 30, most: 50}}')
    assert ask(table, "red-1", 20).allowed
    assert admitted(table, "other") == 70
    table = pool_with('shares: {"label:team:red": {least: 30, most: 50}}')
    assert ask(table, "red-1", 30).allowed
    assert admitted(table, "red-2") == 20
    assert admitted(table, "other") == 50


@pytest.mark.parametrize(
    ("of", "fields"),
    [
        ("agent:red-*", {"agent": "red-7"}),
        ("identity:pat:x", {"agent": "a", "identity_id": "pat:x"}),
        ("workload:scan", {"agent": "a", "workload": "scan"}),
        ("scope:org:acme", {"agent": "a", "scope_id": "repo:acme/api"}),
    ],
)
def test_a_partition_bounds_whom_its_pattern_names(of: str, fields: dict[str, Any]) -> None:
    table = pool_with(f'shares: {{"{of}": {{most: 25}}}}')
    assert admitted(table, **fields) == 25
    assert admitted(table, "other") == 75


def test_a_partition_is_full_again_with_its_pool() -> None:
    table = pool_with('shares: {"agent:a": {most: 10}}')
    assert not ask(table, "a", 11, max_wait=2 * HOUR).allowed
    table.report(ask(table, "a", 10).intent_id)
    waits = ask(table, "a", max_wait=2 * HOUR)
    assert waits.modifications.wait > 0
    table.pass_time(3601)
    assert admitted(table, "a") == 9


def test_a_report_of_less_gives_back_to_the_share() -> None:
    table = pool_with('shares: {"agent:a": {most: 10}}')
    table.report(ask(table, "a", 10).intent_id, actual_cost=4)
    assert admitted(table, "a") == 6


def test_shares_of_a_providers_pool_stand_after_a_restart_and_a_new_policy() -> None:
    text = "providers: {mock: [{id: m}]}\npools: [{id: m/p, reserve: {percent: 0}, shares: {'agent:a': {most: %d}}}]"
    table = Table(text % 10)
    table.observe("m/p", limit=100, used=0, reset_at=table.now + HOUR, window_every=HOUR)
    assert admitted(table, "a", pool_id="m/p") == 10
    table.restart()
    assert admitted(table, "a", pool_id="m/p") == 0
    table.configure(text % 15)
    assert admitted(table, "a", pool_id="m/p") == 5


AGENTS = ("deployer", "red-1", "red-2", "other")
steps = st.one_of(
    st.tuples(
        st.just("ask"),
        st.sampled_from(AGENTS),
        st.integers(1, 40),
        st.sampled_from(["high", "normal"]),
    ),
    st.tuples(st.just("wait"), st.integers(1, 2000)),
    st.tuples(st.just("report"), st.integers(0, 9), st.integers(0, 40)),
)


@settings(max_examples=120, deadline=None)
@given(st.lists(steps, max_size=25))
def test_whatever_is_asked_shares_never_add_up_to_more_than_there_is(taken: list[Any]) -> None:
    table = pool_with(
        'reserve: {percent: 10}, shares: {"agent:deployer": 30, "label:team:red": {least: 20, most: 50}}'
    )
    account = table.engine.state.ledger.accounts["local/api"]
    given_: list[str] = []
    for step in taken:
        if step[0] == "wait":
            table.pass_time(step[1])
        elif step[0] == "report":
            if step[1] < len(given_):
                table.report(given_.pop(step[1]), actual_cost=min(step[2], 40))
        else:
            before = table.figures("local/api")
            red = sum(units for party, units in account.holders.items() if party[0][:3] == "red")
            answer = ask(table, step[1], step[2], urgency=step[3])
            if answer.allowed:
                assert step[2] <= before.available
                assert step[1][:3] != "red" or red + step[2] <= 50
                given_.append(answer.intent_id)
            elif (
                step[2] <= before.available
            ):  # somebody else's part is all that may stand in the way
                assert before.available - step[2] < 10 + 30 + 20 or step[1][:3] == "red"
    table.restart()
    assert table.replayed().picture(table.now) == table.engine.state.picture(table.now)


# --- fairness -----------------------------------------------------------------------------------


def test_a_denial_costs_nothing() -> None:
    table = Table(
        "pools: [{id: api, limit: 10, window: {kind: fixed, every: 1h}}]\n"
        "policies: [{id: p, rules: [{name: no, condition: \"agent.id == 'bad'\", action: deny}]}]"
    )
    for _ in range(50):
        assert not ask(table, "bad").allowed
        assert not ask(table, "a", 11).allowed
    figures = table.figures("local/api")
    assert (figures.used, figures.held, figures.scheduled) == (0, 0, 0)
    assert admitted(table, "a") == 10


def test_who_never_reports_is_charged_in_full() -> None:
    table = pool_with("shared_by: ['*']", limit=10)
    assert ask(table, "silent", 6).allowed
    table.pass_time(61)
    figures = table.figures("local/api")
    assert (figures.used, figures.held) == (6, 0)
    assert admitted(table, "silent") == 4


def test_a_crowded_window_is_promised_by_weight() -> None:
    table = pool_with("shared_by: ['*']", limit=100)
    assert ask(table, "big", 50).allowed
    assert ask(table, "small", 50).allowed
    promised = {"big": 0, "small": 0}
    for _ in range(200):
        for agent in promised:
            wait = ask(table, agent, max_wait=2 * HOUR).modifications.wait
            promised[agent] += 0 < wait <= HOUR + HOUR // 2
    assert promised == {"big": 90, "small": 10}


def test_who_is_heavy_can_be_held_back_by_its_part_of_what_burns() -> None:
    table = Table("""
pools: [{id: api, limit: 100, window: {kind: fixed, every: 1h}}]
policies:
  - id: fair
    rules:
      - {name: heavy, condition: "agent.burn_rate_share > 0.5 && pool.utilization > 0.3", action: deny,
         params: {reason: leave some to others}}
""")
    assert ask(table, "hog", 40).allowed
    assert ask(table, "other", 5).allowed
    assert not ask(table, "hog").allowed
    assert ask(table, "other").allowed
