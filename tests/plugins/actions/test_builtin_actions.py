"""The built-in actions: what they answer, and which parameters they refuse."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ratelord_actions.plugin import ratelord_register_policy_actions
from ratelord_core.model.instant import SECOND
from ratelord_core.plugins import load
from ratelord_core.policy.action import Approve, Deny, Wait, WaitForReset, Warn
from ratelord_core.policy.params import ParamsError, convert
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
            "'pid' is not available; available: fixed",
        ),
    ],
)
def test_an_action_refuses_parameters_that_it_does_not_understand(
    name: str, params: Any, said: str
) -> None:
    with pytest.raises(ParamsError, match=said.replace("(", r"\(")):
        convert(ACTIONS[name], params)


def test_the_actions_arrive_through_the_entry_point() -> None:
    loaded = load().named("ratelord_register_policy_actions")
    assert set(ACTIONS) <= set(loaded)
