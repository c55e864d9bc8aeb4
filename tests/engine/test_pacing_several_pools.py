"""Intents that draw from several pools, each with a pace of its own."""

from __future__ import annotations

import pytest

from ratelord_core.events.payloads import IntentDecided
from ratelord_core.model.instant import SECOND, Micros
from ratelord_core.testing.table import Table

POOLS = """
pools:
  - {id: p/minute, limit: 120, window: {kind: fixed, every: 60s}, shared_by: ["*"]}
  - {id: p/long, limit: 300, window: {kind: fixed, every: 300s}, shared_by: ["*"]}
policies:
"""
RULE = "{name: paced, condition: 'true', action: shape, params: {algorithm: pace, demand: false}}"
ONE_RULE = f"{POOLS}  - {{id: steer, scope: global, rules: [{RULE}]}}\n"
TWO_RULES = f"""{POOLS}
  - {{id: minute, scope: "pool:p/minute", rules: [{RULE}]}}
  - {{id: long, scope: "pool:p/long", rules: [{RULE}]}}
"""


@pytest.mark.parametrize("policy", [ONE_RULE, TWO_RULES], ids=["one rule", "a rule for each"])
def test_whoever_draws_from_several_pools_starts_at_the_slowest_pace(policy: str) -> None:
    desk = Table(policy)
    waits = [desk.ask(max_wait=60 * SECOND).modifications.wait for _ in range(30)]

    assert waits[-1] == pytest.approx(29 * SECOND, rel=0.01), "one a second, not two"
    assert {line.pool for line in desk.events(IntentDecided)[-1].paced} == {"p/minute", "p/long"}


def test_the_rule_says_which_pool_it_is_that_makes_one_wait() -> None:
    desk = Table(ONE_RULE)
    for _ in range(5):
        answer = desk.ask()

    assert "pace spaces the starts in p/long" in answer.reason


def test_only_a_pool_that_turned_somebody_away_hears_that_more_was_wanted() -> None:
    desk = Table(ONE_RULE)
    heard = _heard(desk, 12, 8 * SECOND)

    denied = desk.events(IntentDecided)[-1]
    assert denied.tightest == "p/minute", "although there is room in it"
    assert heard == {"p/long"}


def test_who_is_turned_away_by_all_its_pools_wanted_more_of_all() -> None:
    desk = Table(ONE_RULE)
    heard = _heard(desk, 12, 2 * SECOND) | _heard(desk, 12, 0)

    assert heard == {"p/minute", "p/long"}


def test_who_is_turned_away_by_one_pool_keeps_no_place_in_another() -> None:
    desk = Table(ONE_RULE)
    desk.ask(agent_id="calm")
    for _ in range(12):
        desk.ask(agent_id="eager", max_wait=8 * SECOND)

    asked = {
        pool: {agent: amount for agent, _, amount, *_ in state[3]}
        for _, _, pool, state in desk.engine.state.pacing.state()["governors"]
    }
    allowed = sum(e.decision != "deny_with_reason" for e in desk.events(IntentDecided)) - 1
    assert asked["p/minute"]["eager"] == allowed
    assert asked["p/long"]["eager"] == 12
    assert desk.replayed().picture(desk.now) == desk.engine.state.picture(desk.now)


def test_a_pool_that_renews_has_not_run_dry_because_its_controller_spaces_the_starts() -> None:
    desk = Table(RENEWING)
    denied = 0
    for _ in range(600):
        denied += not desk.ask(max_wait=2 * SECOND).allowed
        assert desk.figures("p/roll").available > 0
        desk.pass_time(0.25)

    assert denied > 100
    score = desk.engine.state.book.score("p/roll", desk.now)
    assert score is not None
    assert score.base_rate == 0.0
    assert desk.replayed().picture(desk.now) == desk.engine.state.picture(desk.now)


RENEWING = ONE_RULE.replace(
    "p/long, limit: 300, window: {kind: fixed, every: 300s}",
    "p/roll, limit: 100, window: {kind: sliding, every: 60s}",
).replace("demand: false", "demand: false, reserve_percent: 30")


def _heard(desk: Table, times: int, max_wait: Micros) -> set[str]:
    """Ask so often; the pools whose forecasts remember something of the questions that were
    denied."""
    heard = set[str]()
    for _ in range(times):
        before = desk.engine.state.book.state()
        if not desk.ask(max_wait=max_wait).allowed:
            after = desk.engine.state.book.state()
            heard |= {pool for pool in after if after[pool] != before[pool]}
    return heard
