"""What the tests of the policy room share: the built-in actions, and a policy from a few lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ratelord_actions.plugin import (
    ratelord_register_condition_functions,
    ratelord_register_policy_actions,
)
from ratelord_core.policy.action import PolicyAction
from ratelord_core.policy.stack import PolicyStack, load

PROVIDERS = ("github", "mock")


@pytest.fixture(scope="session")
def actions() -> dict[str, PolicyAction[Any]]:
    return {action.name: action for action in ratelord_register_policy_actions()}


@pytest.fixture(scope="session")
def load_policy(actions: dict[str, PolicyAction[Any]]) -> Callable[..., PolicyStack]:
    def load_it(text: str | bytes, more: dict[str, Any] | None = None) -> PolicyStack:
        offered = {**actions, **(more or {})}
        functions = ratelord_register_condition_functions()
        return load(text, "policy.yaml", offered, PROVIDERS, ["linear"], functions)

    return load_it
