"""What would be: what binds, what fits when, how a plan would go. Nothing is held by asking."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratelord_core.errors import InvalidRequest, NotFound
from ratelord_core.ledger import Asker
from ratelord_core.model.dimensions import Dimensions
from ratelord_core.model.ids import UNKNOWN
from ratelord_core.model.instant import SECOND, to_text
from ratelord_core.model.intent import Intent
from ratelord_core.testing.table import Table

POLICY = """
pools:
  - {id: team/requests, limit: 20, window: {kind: fixed, every: 60s}}
  - {id: team/tokens, unit: tokens, limit: 100, window: {kind: bucket, every: 10s}, shared_by: [chat]}
  - {id: team/rate, limit: 6, window: {kind: sliding, every: 30s}, shared_by: [fast]}
  - {id: team/jobs, limit: 2, window: {kind: concurrency}, shared_by: [job]}
workloads: {chat: {consumes: {team/tokens: 30}}}
policies:
  - id: house
    rules:
      - {name: quiet, condition: "intent.workload_id == 'loud'", action: deny, params: {reason: "quiet hours"}}
  - id: crawlers
    scope: agent:crawler
    type: soft
    rules: [{name: slow, action: deny, params: {reason: "slow down"}}]
"""
ASKER = Asker(("a", "i", "global"))


def intent(workload: str, **fields: Any) -> Intent:
    names = {"agent_id": "a", "identity_id": "i", "scope_id": "repo:x/y"}
    return Intent(workload_id=workload, **(names | fields))


def plan(table: Table, *intents: Intent) -> Any:
    table.engine.scribe.turn(table.now, table.engine.state.ledger.accounts)
    return table.engine.surveyor.plan(intents, table.now)


# --- plans ----------------------------------------------------------------------------------------


def test_a_plan_is_decided_step_by_step_and_holds_nothing() -> None:
    table = Table(POLICY)
    before = table.engine.state.picture(table.now)

    told = plan(
        table, intent("scan", expected_cost=15), intent("scan", expected_cost=15), intent("loud")
    )

    first, second, third = told.steps
    assert first.wait_seconds == 0
    assert second.wait_seconds > 55, "it fits after the reset only"
    assert third.reason.endswith("quiet hours")
    assert (told.fits, told.order, told.misfits) == (False, (0, 1), (2,))
    assert told.last_start_at == second.start_at
    assert table.engine.state.picture(table.now) == before
    assert table.engine.take() == []


def test_steps_are_put_in_the_order_in_which_they_may_start() -> None:
    told = plan(
        Table(POLICY),
        intent("fast", expected_cost=6),
        intent("fast", expected_cost=6),
        intent("chat"),
    )

    assert told.fits
    assert told.order == (0, 2, 1)


def test_steps_of_one_run_count_for_its_cap_and_leave_the_run_as_it_was() -> None:
    table = Table(f"{POLICY}{TWO_A_RUN}")
    one, other = intent("scan", run="r-1"), intent("scan", run="r-2")

    for _ in range(2):
        told = plan(table, one, other, one, one, intent("scan"))

        assert (told.order, told.misfits) == ((0, 1, 2, 4), (3,))


TWO_A_RUN = """  - id: runs
    rules: [{name: two-a-run, condition: run.requests >= 2, action: deny}]
"""


def test_a_plan_without_steps_or_with_a_pin_that_leads_nowhere_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="no steps"):
        plan(Table(POLICY))
    with pytest.raises(InvalidRequest):
        plan(Table(POLICY), intent("scan"), intent("scan", provider_id="nobody", pool_id="x"))


steps = st.lists(
    st.builds(
        intent,
        st.sampled_from(["scan", "chat", "fast", "job", "loud"]),
        expected_cost=st.one_of(st.none(), st.integers(0, 25).map(float)),
        urgency=st.sampled_from(["high", "normal", "background"]),
        agent_id=st.sampled_from(["a", "b", "crawler"]),
        max_wait=st.sampled_from([None, 0, 20 * SECOND]),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=30, deadline=None)
@given(before=steps, asked=steps, seconds=st.floats(0, 90))
def test_a_plan_foretells_what_is_answered_when_it_is_asked(
    before: list[Intent], asked: list[Intent], seconds: float
) -> None:
    table = Table(POLICY)
    for one in before:
        table.engine.negotiator.negotiate(one, table.now, "test")
    table.pass_time(seconds)
    picture = table.engine.state.picture(table.now)

    told = plan(table, *asked)

    assert table.engine.state.picture(table.now) == picture
    for step, one in zip(told.steps, asked, strict=True):
        decided = table.engine.negotiator.negotiate(one, table.now, "test")
        assert step.allowed == decided.allowed
        if decided.allowed:
            assert step.start_at == to_text(decided.start_at)


# --- what fits ------------------------------------------------------------------------------------


def fit(table: Table, pool: str, units: int, within: int) -> Any:
    by = table.now + within * SECOND
    return table.engine.surveyor.fit(pool, units, by, ASKER, 60 * SECOND, table.now)


def test_what_fits_now_says_so() -> None:
    told = fit(Table(POLICY), "team/requests", 20, 0)

    assert told.fits
    assert told.earliest_at == to_text(Table(POLICY).now)
    assert told.reason == "20 fit now: 20 are left"


def test_what_fits_after_the_reset_fits_in_time_or_comes_too_late() -> None:
    table = Table(POLICY)
    table.ask(expected_cost=15)

    late, in_time = fit(table, "team/requests", 10, 10), fit(table, "team/requests", 10, 120)

    assert (late.fits, in_time.fits) == (False, True)
    assert "too late by" in late.reason
    assert late.earliest_at == in_time.earliest_at


def test_what_never_fits_says_so_and_an_unknown_pool_is_named() -> None:
    table = Table(POLICY)

    told = fit(table, "team/requests", 21, 3600)

    assert not told.fits
    assert told.earliest_at is None
    assert told.p_exhaustion == 1.0
    assert "never fit" in told.reason
    with pytest.raises(NotFound, match="no pool 'team/none'"):
        fit(table, "team/none", 1, 0)


# --- what binds -----------------------------------------------------------------------------------


def binding(table: Table, **names: str) -> dict[str, str]:
    who = {
        "agent_id": UNKNOWN,
        "identity_id": UNKNOWN,
        "workload_id": UNKNOWN,
        "scope_id": "global",
    }
    found = table.engine.surveyor.constraints(Dimensions(**(who | names)), table.now)
    return {f"{one.kind} {one.id}": one.text for one in found}


def test_pools_and_rules_that_bind_are_listed_in_one_sentence_each() -> None:
    assert binding(Table(POLICY), workload_id="chat") == {
        "pool team/requests": "at most 20 requests per 60 s; 20 left",
        "pool team/tokens": "at most 100 tokens per 10 s, refilling all the time, 30 a call; 100 left",
        "rule house/quiet": "deny when intent.workload_id == 'loud'; level global",
    }


def test_without_a_workload_those_of_every_declared_one_are_listed() -> None:
    assert {"pool team/requests", "pool team/tokens"} <= binding(Table(POLICY)).keys()


def test_rules_of_an_agent_bind_that_agent_only_and_soft_ones_are_marked() -> None:
    told = binding(Table(POLICY), agent_id="crawler")

    assert told["rule crawlers/slow"] == "deny always (only a warning); level identity/agent"
    assert "rule crawlers/slow" not in binding(Table(POLICY), agent_id="other")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (
            "window: {kind: calendar, every: day, timezone: Europe/Madrid}",
            "at most 5 requests per day (Europe/Madrid); 5 left",
        ),
        ("window: {kind: concurrency}", "at most 5 requests per moment, in parallel; 5 left"),
        ("window: {kind: sliding, every: 30s}", "at most 5 requests per trailing 30 s; 5 left"),
    ],
)
def test_every_kind_of_window_is_told_in_words(kind: str, text: str) -> None:
    table = Table(f"pools: [{{id: p/q, limit: 5, {kind}}}]")

    assert binding(table)["pool p/q"] == text


def test_an_identity_that_may_do_nothing_binds_most_of_all() -> None:
    policy = "identities: [{id: pat:one, kind: user, allowed_agents: [me]}]\nsettings: {strict_identities: true}"
    table = Table(policy)

    assert binding(table, identity_id="pat:two") == {
        "identity pat:two": "not registered: nothing is approved"
    }
    assert binding(table, identity_id="pat:one", agent_id="other") == {
        "identity pat:one": "agent other may not use it"
    }
    assert binding(table, identity_id="pat:one", agent_id="me") == {}
