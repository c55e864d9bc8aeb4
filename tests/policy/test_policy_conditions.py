"""Conditions: what they accept, what they mean, and that they never fail open."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ratelord_core.model.config import AgentConfig
from ratelord_core.model.forecast import Forecast
from ratelord_core.model.identity import Identity
from ratelord_core.model.instant import SECOND
from ratelord_core.policy.condition import ConditionError, Conditions, EvaluationError
from ratelord_core.policy.inputs import Inputs
from ratelord_core.policy.lexer import to_cel, used
from ratelord_core.policy.situation import PoolNow
from ratelord_core.policy.variables import VARIABLES
from ratelord_core.testing.situation import ASKED, FixedSituation

NOW = 1_767_225_600_000_000  # a Thursday, midnight UTC
POOL = PoolNow("github-main/core", "requests", 1000, 700, 210, 90, NOW + 60 * SECOND, 12.0)
SITUATION = FixedSituation(
    intent=ASKED,
    identity=Identity("pat:rmax", "user", owner="team-a", labels={"env": "dev"}),
    agent=AgentConfig("ci", 2.0, {"team": "red"}),
    tightest="github-main/core",
    draws={"github-main/core": 3, "budget/daily": 40},
    pools={"github-main/core": POOL},
    forecasts={"github-main/core": Forecast(30.0, 20.0, 10.0, 0.5, 3.0, 4.0, 60.0, -50.0, 12.0)},
    levels={"github-main/core": "warn"},
    risk_score=55,
)


@pytest.fixture(scope="module")
def conditions() -> Conditions:
    return Conditions()


def holds(conditions: Conditions, text: str, situation: Any = SITUATION) -> bool:
    condition = conditions.compile(text)
    if condition.constant is not None:
        return condition.constant
    given = Inputs(situation)
    return condition.holds({name: given[name] for name in condition.names})


TRUE = [
    "remaining < 100",
    "remaining < 100.0",
    "remaining == 90 && remaining != 91 && 90 == remaining",
    "risk.p_exhaustion < 1 && !(risk.p_exhaustion > 1)",
    "size(agent.labels) < 3 && size(agent.labels) > 0.5",
    "margin.seconds < -5 && -remaining <= -90 && margin.seconds + 50 == 0",
    "pool.remaining < pool.limit * 0.1 && 2 * remaining == 180 && remaining / 2 == 45",
    "1 + 0.5 == 1.5 && remaining - 0.5 > 89 && 10 - 0.5 > 9",
    "remaining in [1, 90] && remaining in [90.0] && remaining in [1, 90, 2.5]",
    "!(remaining in [1, 2])",
    "(remaining > 50 ? 1 : 2.5) == 1 && (remaining > 50 ? remaining : 2) == 90",
    "(remaining < 50 ? 1 : 2.5) == 2.5",
    "time.weekday % 2 == 1 && 7 % 4 == 3",
    "intent.urgency in ['normal', 'high']",
    "agent.labels.team == 'red' && agent.labels['team'] == 'red' && 'team' in agent.labels",
    "!has(agent.labels.nobody) && has(agent.labels.team)",
    "agent.labels.exists(key, key == 'team')",
    "identity.kind == 'user' && identity.owner == 'team-a' && identity.labels.env == 'dev'",
    "identity.status == 'active' && identity.trust_level == '' && identity.id == 'pat:rmax'",
    "pool.utilization == 0.91 && pool.remaining_percent == 9 && pool.seconds_to_reset == 60",
    "pool.id == 'github-main/core' && provider_id == 'github-main' && pool.unit == 'requests'",
    "pool.used == 700 && pool.held == 210 && pool.staleness == 12 && !pool.stale",
    "!pool.is_resetting",
    "intent.units == 3 && cost == 40 && intent.estimated_cost == 40 && intent.expected_cost == 40",
    "tte.p50 == 30 && tte.p90 == 20 && tte.p99 == 10 && forecast_tte < 3600",
    "forecast.burn_rate == 3 && forecast.burn_variance == 4 && forecast.freshness == 12",
    "risk.level == 'warn' && system.status == 'ok' && system.risk_score > 50",
    "time.hour == 0 && time.weekday == 3 && time.day == 1 && time.month == 1",
    "!time.is_business_hours && !time.is_weekend",
    "intent.model == '' && intent.pool_id == '' && intent.provider_id == ''",
    "intent.scope_id.startsWith('repo:acme/') && scope.id.matches('^repo:')",
    "remaining < 100 AND NOT pool.stale",
    "pool.stale OR intent.agent_id == 'crawler-01'",
    "'90 AND 1 OR NOT' == \"90 AND 1 OR NOT\"",
    "remaining < 1e3 // AND what not\n && true",
    "intent . urgency == 'normal'",
]


@pytest.mark.parametrize("text", TRUE)
def test_a_condition_that_holds(conditions: Conditions, text: str) -> None:
    assert holds(conditions, text)


def test_words_become_operators_without_moving_anything() -> None:
    text = 'NOT a AND b OR r\'AND\\\' == """OR\nNOT""" // AND\n AND ANDROID.AND'
    assert to_cel(text) == ('!   a &&  b || r\'AND\\\' == """OR\nNOT""" // AND\n &&  ANDROID.AND')


def test_only_names_outside_strings_are_read() -> None:
    text = "'remaining' == intent.model && pool.id.startsWith(\"tte.p50\") // cost"
    assert used(text, VARIABLES) == ("intent.model", "pool.id")


def test_only_what_a_condition_names_is_computed(conditions: Conditions) -> None:
    situation = FixedSituation(tightest="a/b", pools={"a/b": POOL})
    assert holds(conditions, "remaining < 100 && pool.limit > 1", situation)
    assert situation.looked_at == [("pool", "a/b")]


def test_without_a_pool_nothing_runs_dry(conditions: Conditions) -> None:
    nothing = FixedSituation()
    for text in (
        "remaining > 1e300 && pool.limit > 1e300 && tte.p99 > 1e300 && margin.seconds > 1e300",
        "risk.p_exhaustion == 0 && risk.level == 'ok' && pool.id == '' && provider_id == ''",
        "pool.remaining_percent == 100 && pool.utilization == 0 && pool.seconds_to_reset > 1e300",
        "identity.status == 'unknown' && identity.kind == '' && size(identity.labels) == 0",
    ):
        assert holds(conditions, text, nothing)


def test_a_pool_whose_limit_nobody_knows_does_not_run_dry(conditions: Conditions) -> None:
    unknown = PoolNow("a/b", "requests", None, 5, 0, 0, None)
    situation = FixedSituation(tightest="a/b", pools={"a/b": unknown})
    assert not holds(conditions, "remaining < 100 || pool.remaining_percent < 5", situation)


def test_a_reset_that_is_due_is_seen(conditions: Conditions) -> None:
    due = PoolNow("a/b", "requests", 0, 5, 0, 0, NOW - 1)
    situation = FixedSituation(tightest="a/b", pools={"a/b": due})
    text = "pool.is_resetting && pool.seconds_to_reset == 0 && pool.utilization == 1"
    assert holds(conditions, text, situation)


@pytest.mark.parametrize(
    "text",
    ["agent.labels.nobody == 'x'", "int('x' + intent.model) == 1", "1 / size(intent.model) > 0"],
)
def test_a_condition_without_a_value_is_an_error_not_a_no(
    conditions: Conditions, text: str
) -> None:
    with pytest.raises(EvaluationError):
        holds(conditions, text)


def test_a_missing_value_is_an_error_not_a_no(conditions: Conditions) -> None:
    with pytest.raises(KeyError, match="remaining"):
        conditions.compile("remaining < 100").holds({})


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("remaining = 3", "compare with =="),
        ("remaining < 3 and true", "write && or AND"),
        ("remaining", "compare it with something"),
    ],
)
def test_common_slips_get_a_hint(conditions: Conditions, text: str, hint: str) -> None:
    with pytest.raises(ConditionError) as caught:
        conditions.compile(text)
    assert hint in caught.value.problems[0].hint


@pytest.mark.parametrize(
    "text",
    [
        "intent.urgency < 3",
        "remaining == 'x'",
        "remaining in ['x']",
        "intent.urgency in [1]",
        "pool.stale + 1 > 2",
        "!remaining",
        "true ? remaining : 'x'",
        "1 / 0 == 1",
        "x" * 10_001,
        "(" * 3000,
        "9999999999999999999 > 1",
        "'abc",
        "foo(remaining)",
        "\x00",
        "",
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_loaded(
    conditions: Conditions, text: str
) -> None:
    with pytest.raises(ConditionError):
        conditions.compile(text)


def test_a_text_is_compiled_once(conditions: Conditions) -> None:
    assert conditions.compile("remaining < 7") is conditions.compile("remaining < 7")


def test_every_variable_can_be_compiled_and_read(conditions: Conditions) -> None:
    against = {"number": "{} < 1", "text": "{} == 'x'", "flag": "{}", "labels": "'x' in {}"}
    for situation in (SITUATION, FixedSituation()):
        for name, variable in VARIABLES.items():
            text = against[variable.kind].format(name)
            assert conditions.compile(text).names == (name,)
            assert holds(conditions, text, situation) in (True, False)


def test_an_undefined_margin_is_endless(conditions: Conditions) -> None:
    situation = FixedSituation(
        tightest="a/b", forecasts={"a/b": Forecast(margin=math.nan)}, pools={"a/b": POOL}
    )
    assert not holds(conditions, "margin.seconds < 0", situation)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("agent.id.matches('[')", 17),
        ("agent.id == 'x' && agent.id.matches( '(?<a>' )", 37),
        ("matches(agent.id, 'a') || scope.repo.matches(\"*\")", 45),
    ],
)
def test_a_pattern_that_is_none_is_found_when_the_policy_is_read(text: str, column: int) -> None:
    with pytest.raises(ConditionError) as refused:
        Conditions().compile(text)
    [problem] = refused.value.problems
    assert "is no regular expression" in problem.message
    assert problem.offset == column


@pytest.mark.parametrize(
    "text", ["agent.id.matches('^crawl-[0-9]+$')", "agent.id.matches('(' + ')')"]
)
def test_a_pattern_that_is_one_or_is_put_together_later_is_taken(text: str) -> None:
    assert Conditions().compile(text).text == text
