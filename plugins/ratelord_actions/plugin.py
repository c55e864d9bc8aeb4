"""Registers the built-in policy actions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ratelord_actions.budget import BudgetCapAction
from ratelord_actions.clockwork import FUNCTIONS
from ratelord_actions.effects import (
    ApproveAction,
    DeferAction,
    DenyAction,
    WarnAction,
)
from ratelord_actions.notify import NotifyAction
from ratelord_actions.routing import (
    CostEfficiencyAction,
    DegradeAction,
    LimitCostAction,
    RouteAction,
    SwitchAction,
    SwitchProtocolAction,
)
from ratelord_actions.shaping import ShapeAction
from ratelord_core import hookimpl
from ratelord_core.policy.action import PolicyAction
from ratelord_core.policy.function import ConditionFunction


@hookimpl
def ratelord_register_policy_actions() -> Iterable[PolicyAction[Any]]:
    """Every action of this plugin, ready to be named."""
    return (
        ApproveAction(),
        WarnAction(),
        ShapeAction("shape"),
        ShapeAction("delay"),
        DeferAction(),
        DenyAction(),
        SwitchAction(),
        RouteAction(),
        SwitchProtocolAction(),
        DegradeAction(),
        LimitCostAction(),
        CostEfficiencyAction(),
        BudgetCapAction(),
        NotifyAction(),
    )


@hookimpl
def ratelord_register_condition_functions() -> Iterable[ConditionFunction]:
    """What the clock says in a zone."""
    return FUNCTIONS
