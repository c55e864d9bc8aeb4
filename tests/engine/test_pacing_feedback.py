"""What rules may say of their pace, and what moves it: weights, drift, refusals."""

from __future__ import annotations

from typing import Any

import pytest

from ratelord_core.errors import PolicyError
from ratelord_core.events.payloads import DriftDetected
from ratelord_core.model.instant import SECOND
from ratelord_core.testing.table import Table

HEAD = """providers: {mock: [{id: p}]}
workloads: {work: {consumes: {p/x: 1}}}
settings: {high_reserve_percent: 0}
policies:
  - id: steer
    scope: pool:p/x
    rules:
"""
RULE = '      - {name: paced, condition: "true", action: shape, params: '


def table(params: str, more: str = "") -> Table:
    """An engine that knows a provider's pool, which is paced."""
    desk = Table(f"{HEAD}{RULE}{params}}}\n{more}")
    reset_at = desk.now + 60 * SECOND
    desk.observe("p/x", limit=600, used=0, reset_at=reset_at, window_every=60 * SECOND)
    return desk


def pace(desk: Table) -> float:
    """Units a second that may start now, as a part of the even pace."""
    desk.ask()
    (first, second) = (desk.ask().modifications.wait for _ in range(2))
    figures = desk.figures("p/x")
    even = (figures.limit - figures.used - figures.held) / (figures.reset_at - desk.now)
    return 1 / (second - first) / even


@pytest.mark.parametrize(
    ("params", "key"),
    [
        ("{algorithm: pid, kp: -1}", "kp"),
        ("{algorithm: pid, ki: fast}", "ki"),
        ("{algorithm: pid, kd: 1e9}", "kd"),
        ("{algorithm: pid, free_below: 2}", "free_below"),
        ("{algorithm: aimd, increase: 0}", "increase"),
        ("{algorithm: aimd, decrease: 1}", "decrease"),
        ("{algorithm: pace, reserve_percent: 100}", "reserve_percent"),
        ("{algorithm: pace, hold_back: -1}", "hold_back"),
        ("{algorithm: pace, jitter_max_seconds: .nan}", "jitter_max_seconds"),
        ("{algorithm: pace, kp: 8}", "kp"),
    ],
)
def test_a_gain_that_cannot_be_is_refused_where_it_stands(params: str, key: str) -> None:
    with pytest.raises(PolicyError) as caught:
        table(params)

    (found,) = caught.value.findings
    column = len(RULE) + params.index(f"{key}:") + 1
    assert repr(key) in found.message
    assert found.line == 8
    assert column <= found.column <= column + len(key) + 2, "the key, or what is said of it"


def test_agents_get_a_paced_pool_by_their_weights() -> None:
    desk = table("{algorithm: pace, demand: false}", "agents: {gold: {weight: 3}}\n")
    got = dict.fromkeys(("gold", "plain"), 0)
    for _ in range(590):
        for agent in got:
            answer = desk.ask(agent_id=agent, max_wait=2 * SECOND)
            got[agent] += answer.allowed
        desk.pass_time(0.1)

    assert 2.5 < got["gold"] / got["plain"] < 3.5
    assert sum(got.values()) > 570


def test_a_reserve_is_left_alone() -> None:
    desk = table("{algorithm: pace, demand: false, reserve_percent: 25}")
    started = sum(desk.ask(max_wait=59 * SECOND).allowed for _ in range(600))

    assert started == pytest.approx(450, abs=10)


def test_drift_takes_aggression_from_an_aimd() -> None:
    desk = table("{algorithm: aimd, free_below: 0}")
    desk.ask()
    before = _state(desk)[0]
    desk.observe("p/x", limit=600, used=60, reset_at=desk.now + 60 * SECOND)

    assert desk.events(DriftDetected)
    assert _state(desk)[0] == pytest.approx(0.8 * before)


def test_drift_takes_from_a_pid_what_it_had_added_while_use_was_behind() -> None:
    desk = table("{algorithm: pid, kp: 0, free_below: 0}")
    reset_at = desk.now + 60 * SECOND
    for _ in range(10):
        desk.ask()
        desk.pass_time(1)
    assert _state(desk)[2] > 0.5, "the integral"
    desk.observe("p/x", limit=600, used=60, reset_at=reset_at)

    assert desk.events(DriftDetected)
    assert _state(desk)[2] < 0.1


@pytest.mark.parametrize(("outcome", "part"), [("rate_limited", 0.8), ("success", 1.0)])
def test_a_refusal_of_the_provider_takes_aggression_from_a_controller(
    outcome: str, part: float
) -> None:
    desk = table("{algorithm: aimd, increase: 1.0e-9, free_below: 0}")
    asked = desk.ask()
    desk.ask()
    before = _state(desk)[0]
    desk.report(asked.intent_id, outcome)

    assert _state(desk)[0] == pytest.approx(part * before)


def test_others_that_were_seen_to_spend_are_left_their_part() -> None:
    desk = table("{algorithm: pace, demand: false}")
    reset_at = desk.now + 60 * SECOND
    alone = pace(desk)
    for _ in range(6):
        desk.pass_time(5)
        used = desk.figures("p/x").used
        desk.observe("p/x", limit=600, used=used + 20, reset_at=reset_at)
    shared = pace(desk)

    assert alone == pytest.approx(1.0, rel=0.05)
    assert shared < 0.85, "four units a second are theirs"


def _state(desk: Table) -> Any:
    """What the pool's controller remembers."""
    (governor,) = desk.engine.state.pacing.state()["governors"]
    return governor[3][4]
