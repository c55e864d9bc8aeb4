"""Rules that pace: what is asked is spaced, what happens is folded, a replay gives the same."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratelord_core.errors import PolicyError
from ratelord_core.events.payloads import IntentDecided
from ratelord_core.testing.table import Table

POLICY = """
pools: [{{id: p/x, limit: {limit}, window: {{kind: fixed, every: 60s}}, shared_by: ["*"]}}]
policies:
  - {{id: steer, scope: "pool:p/x", type: {kind}, rules: [
      {{name: paced, condition: "{when}", action: shape, params: {params}}}]}}
"""


def table(params: str = "{algorithm: pace, demand: false}", **fields: Any) -> Table:
    """An engine whose pool is paced."""
    defaults = {"limit": 60, "kind": "hard", "when": "true"}
    return Table(POLICY.format(params=params, **(defaults | fields)))


def test_a_crowd_is_spread_over_the_window() -> None:
    desk = table()
    waits = [desk.ask(max_wait=60_000_000).modifications.wait for _ in range(60)]

    gaps = {round((b - a) / 1e5) for a, b in pairwise(waits)}
    assert gaps == {10}, "one a second"


def test_a_wait_that_nobody_takes_is_a_denial_by_that_rule() -> None:
    desk = table()
    for _ in range(30):
        desk.ask()
    answer = desk.ask(max_wait=1_000_000)

    assert (answer.decision, answer.reason_code) == ("deny_with_reason", "wait_too_long")
    assert "pace spaces the starts in p/x" in answer.reason
    assert answer.retry_after


def test_a_soft_policy_only_says_how_long_it_would_have_let_wait() -> None:
    desk = table(kind="soft")
    answers = [desk.ask() for _ in range(3)]

    assert {answer.decision for answer in answers} == {"approve"}
    assert not desk.events(IntentDecided)[-1].paced


def test_a_rule_that_does_not_apply_paces_nobody_and_costs_no_byte() -> None:
    desk = table(when="intent.urgency == 'background'")
    desk.ask()

    assert not desk.events(IntentDecided)[-1].paced


def test_jitter_comes_from_the_seeded_source() -> None:
    params = "{algorithm: pace, demand: false, jitter_max_seconds: 0.5}"
    waits = [
        [desk.ask().modifications.wait for _ in range(5)] for desk in (table(params), table(params))
    ]

    assert waits[0] == waits[1]
    assert len({wait % 1_000_000 for wait in waits[0][1:]}) == 4


def test_a_new_policy_keeps_what_it_paces_as_before() -> None:
    desk = table()
    for _ in range(5):
        desk.ask()
    before = desk.engine.state.pacing.state()
    desk.configure(
        POLICY.format(params="{algorithm: pace, demand: false}", limit=61, kind="hard", when="true")
    )
    assert desk.engine.state.pacing.state() == before
    desk.configure(POLICY.format(params="{algorithm: aimd}", limit=61, kind="hard", when="true"))
    assert not desk.engine.state.pacing.state()["governors"]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        (
            "{algorithm: pidd}",
            "'pidd' is not available; available: aimd, dynamic, fixed, linear, pace, pid",
        ),
        ("{algorithm: pid, kp: -1}", "'kp'"),
        ("{algorithm: pid, kq: 1}", "has no parameter 'kq'"),
        ("{algorithm: pace, reserve_percent: 100}", "'reserve_percent'"),
    ],
)
def test_a_gain_that_cannot_be_is_found_when_the_policy_is_loaded(params: str, said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        table(params)


STEP = st.tuples(
    st.sampled_from(["ask", "report", "wait", "limited"]), st.integers(1, 30), st.integers(0, 3)
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["pid", "aimd", "pace"]), st.lists(STEP, max_size=40))
def test_a_replay_gives_the_same_controllers(
    algorithm: str, steps: list[tuple[str, int, int]]
) -> None:
    desk = table(f"{{algorithm: {algorithm}}}")
    open_ones: list[str] = []
    for what, size, who in steps:
        if what == "wait":
            desk.pass_time(size)
        elif what == "ask":
            answer = desk.ask(agent_id=f"agent-{who}", expected_cost=size)
            open_ones += [answer.intent_id] if answer.allowed else []
        elif open_ones:
            outcome = "rate_limited" if what == "limited" else "success"
            costs = {"p/x": float(size)} if outcome == "success" else {}
            desk.report(open_ones.pop(), outcome, costs=costs)

    assert desk.replayed().picture(desk.now) == desk.engine.state.picture(desk.now)
