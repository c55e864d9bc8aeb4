"""The built-in actions: what they answer, and which parameters they refuse."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelord_actions.plugin import ratelord_register_policy_actions
from ratelord_core.model.forecast import Forecast
from ratelord_core.model.instant import HOUR, SECOND
from ratelord_core.plugins import load
from ratelord_core.policy.action import (
    Approve,
    Count,
    Deny,
    Instead,
    Notify,
    Wait,
    WaitForReset,
    Warn,
)
from ratelord_core.policy.params import ParamsError, convert
from ratelord_core.policy.situation import PoolNow
from ratelord_core.testing.situation import FixedSituation

ACTIONS = {action.name: action for action in ratelord_register_policy_actions()}


@pytest.mark.parametrize(
    ("name", "params", "effect"),
    [
        ("approve", {}, Approve()),
        ("warn", {"message": "careful"}, Warn("careful")),
        ("shape", {"wait_seconds": 2.5}, Wait(5 * SECOND // 2)),
        ("shape", {"wait_seconds": 1, "algorithm": "fixed"}, Wait(SECOND)),
        ("delay", {"wait_seconds": 1, "reason": "spread"}, Wait(SECOND, "spread")),
        ("delay", {"wait_seconds": 0.0000001}, Wait(1)),
        ("defer", {}, WaitForReset()),
        ("defer", {"jitter_max_seconds": 3}, WaitForReset(3 * SECOND)),
        ("deny", {}, Deny("")),
        ("deny", {"reason": "no", "retry_after_seconds": 9}, Deny("no", 9 * SECOND)),
        ("notify", {"message": "look"}, Notify("look", HOUR)),
        ("notify", {"message": "look", "every": "5m"}, Notify("look", 300 * SECOND)),
        (
            "budget_cap",
            {"limit_microusd": 5, "window": "day", "warn_at": [50, 80], "warn_before": "2h"},
            Count((50.0, 80.0), 2 * HOUR),
        ),
    ],
)
def test_an_action_answers_with_its_effect(name: str, params: Any, effect: Any) -> None:
    action = ACTIONS[name]
    assert action.apply(convert(action, params), FixedSituation()) == effect


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("approve", {"x": 1}, "action 'approve' has no parameter 'x'"),
        ("warn", {"message": 3}, "expected `str`, got `int`"),
        ("delay", {}, "needs the parameter 'wait_seconds'"),
        ("delay", {"wait_seconds": -1}, "expected `float` >= 0.0"),
        ("delay", {"wait_seconds": 1e12}, "expected `float` <= "),
        ("delay", {"wait_seconds": math.nan}, "expected `float` >= 0.0"),
        ("defer", {"jitter_max_seconds": math.nan}, "expected `float` >= 0.0"),
        ("deny", {"retry_after_seconds": math.nan}, "expected `float` >= 0.0"),
        (
            "shape",
            {"wait_seconds": 1, "algorithm": "pid"},
            "'pid' is not available; available: dynamic, fixed, linear",
        ),
        ("shape", {"algorithm": "linear"}, "algorithm 'linear' needs the parameter 'factor'"),
        ("shape", {"wait_seconds": 1, "factor": 2}, "algorithm 'fixed' has no parameter 'factor'"),
        (
            "shape",
            {"algorithm": "dynamic", "wait_seconds": 1},
            "algorithm 'dynamic' has no parameter 'wait_seconds'",
        ),
        ("shape", {"algorithm": "linear", "factor": 1, "above": 1}, "expected `float` < 1.0"),
        ("notify", {}, "needs the parameter 'message'"),
        ("notify", {"message": "x", "every": "often"}, "'often' is not a length of time"),
        ("budget_cap", {"window": "day"}, "needs the parameter 'limit_microusd'"),
        ("budget_cap", {"limit_microusd": 1}, "needs the parameter 'window'"),
        ("budget_cap", {"limit_microusd": -1, "window": "day"}, "expected `int` >= 0"),
        ("budget_cap", {"limit_microusd": 1, "window": "dya"}, "'dya' is not a length of time"),
        ("budget_cap", {"limit_microusd": 1, "window": "0s"}, "longer than 0"),
        (
            "budget_cap",
            {"limit_microusd": 1, "window": {"every": "fortnight"}},
            "a calendar has no 'fortnight'",
        ),
        (
            "budget_cap",
            {"limit_microusd": 1, "window": {"every": "day", "timezone": "Mars/Base"}},
            "'Mars/Base' is not a time zone",
        ),
        (
            "budget_cap",
            {"limit_microusd": 1, "window": {"every": "day", "tz": "UTC"}},
            "unknown field `tz`",
        ),
        (
            "budget_cap",
            {"limit_microusd": 1, "window": "day", "warn_at": [101]},
            "expected `float` <= 100.0",
        ),
        (
            "budget_cap",
            {"limit_microusd": 1, "window": "day", "warn_before": "soon"},
            "'soon' is not a length of time",
        ),
        ("budget_cap", {"limit_microusd": 1, "window": "day", "per": "team"}, "per 'team' is none"),
        ("switch", {}, "needs the parameter 'to'"),
        ("switch", {"to": []}, "expected `array` of length >= 1"),
        ("switch", {"to": ["a b"]}, "matching regex"),
        ("route", {"to": [{}]}, "a target names a provider, a pool or a model"),
        ("route", {"to": [{"model": "m", "weight": -1}]}, "expected `float` >= 0.0"),
        ("route", {"to": [{"model": "m"}], "by": "luck"}, "'luck' is not available"),
        ("switch_protocol", {}, "needs the parameter 'to'"),
        ("degrade", {"to": 3}, "expected `str"),
        ("limit_cost", {"max_cost": 0}, "expected `int` >= 1"),
        ("cost_efficiency", {"to": [{"model": "m"}], "mode": "hope"}, "'hope' is not available"),
        (
            "cost_efficiency",
            {"to": [{"model": "m"}], "runway_seconds": -1},
            "expected `float` >= 0.0",
        ),
    ],
)
def test_an_action_refuses_parameters_that_it_does_not_understand(
    name: str, params: Any, said: str
) -> None:
    with pytest.raises(ParamsError, match=re.escape(said)):
        convert(ACTIONS[name], params)


def test_the_actions_arrive_through_the_entry_point() -> None:
    loaded = load().named("ratelord_register_policy_actions")
    assert set(ACTIONS) <= set(loaded)


POOL = "m/p"


def shaped(params: dict[str, Any], **pool: Any) -> float:
    """The seconds that a shape lets wait in a pool of 100, of which 20 are wanted."""
    figures = {"limit": 100, "used": 0, "held": 0, "available": 100, "reset_at": None} | pool
    forecast = figures.pop("forecast", Forecast())
    situation = FixedSituation(
        tightest=POOL,
        draws={POOL: 20},
        pools={POOL: PoolNow(POOL, "requests", **figures)},
        forecasts={POOL: forecast},
    )
    action = ACTIONS["shape"]
    effect = action.apply(convert(action, params), situation)
    if effect == Instead(()):
        return 0.0
    assert isinstance(effect, Wait)
    return effect.span / SECOND


@pytest.mark.parametrize(
    ("taken", "above", "seconds"),
    [
        (0, 0.0, 2.0),
        (30, 0.0, 5.0),
        (30, 0.5, 0.0),
        (55, 0.5, 5.0),
        (80, 0.5, 10.0),
        (95, 0.0, 10.0),
    ],
)
def test_a_linear_wait_grows_with_what_is_taken(taken: int, above: float, seconds: float) -> None:
    params = {"algorithm": "linear", "factor": 10, "above": above}
    assert shaped(params, used=taken) == shaped(params, held=taken) == seconds


def test_a_linear_wait_is_none_where_no_limit_is_known_and_whole_where_it_is_zero() -> None:
    params = {"algorithm": "linear", "factor": 10}
    assert shaped(params, limit=None) == 0.0
    assert shaped(params, limit=0) == 10.0


@pytest.mark.parametrize(
    ("more", "forecast", "seconds"),
    [
        ({}, {"p_exhaustion": 0.5, "ttr": 100.0, "tte_p90": 60.0}, 0.5 * 40 * 20 / 50),
        ({"gain": 3}, {"p_exhaustion": 0.5, "ttr": 100.0, "tte_p90": 60.0}, 3 * 8.0),
        ({"max_seconds": 5}, {"p_exhaustion": 0.5, "ttr": 100.0, "tte_p90": 60.0}, 5.0),
        ({}, {"p_exhaustion": 0.5, "ttr": 100.0, "tte_p90": 100.0}, 0.0),
        ({}, {"p_exhaustion": 0.0, "ttr": 100.0, "tte_p90": 60.0}, 0.0),
        ({}, {"p_exhaustion": 0.5, "ttr": math.inf, "tte_p90": 60.0}, 30.0),
        ({}, {"p_exhaustion": 1.0, "ttr": 1e6, "tte_p90": 0.0}, 60.0),
    ],
)
def test_a_dynamic_wait_follows_the_risk_and_what_is_missing(
    more: dict[str, Any], forecast: dict[str, float], seconds: float
) -> None:
    params = {"algorithm": "dynamic"} | more
    assert shaped(params, available=50, forecast=Forecast(**forecast)) == pytest.approx(seconds)


@given(
    taken=st.integers(0, 200),
    more=st.integers(0, 50),
    factor=st.floats(0, 1000),
    above=st.floats(0, 0.99),
)
def test_a_linear_wait_never_falls_as_a_pool_fills(
    taken: int, more: int, factor: float, above: float
) -> None:
    params = {"algorithm": "linear", "factor": factor, "above": above}
    assert 0 <= shaped(params, used=taken) <= shaped(params, used=taken + more) <= factor + 1e-5
