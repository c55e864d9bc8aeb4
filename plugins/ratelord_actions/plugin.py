"""Registers the built-in policy actions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ratelord_actions.effects import (
    ApproveAction,
    DeferAction,
    DelayAction,
    DenyAction,
    WarnAction,
)
from ratelord_actions.routing import (
    CostEfficiencyAction,
    DegradeAction,
    LimitCostAction,
    RouteAction,
    SwitchAction,
    SwitchProtocolAction,
)
from ratelord_core import hookimpl
from ratelord_core.policy.action import PolicyAction


@hookimpl
def ratelord_register_policy_actions() -> Iterable[PolicyAction[Any]]:
    """Every action of this plugin, ready to be named."""
    return (
        ApproveAction(),
        WarnAction(),
        DelayAction("shape"),
        DelayAction("delay"),
        DeferAction(),
        DenyAction(),
        SwitchAction(),
        RouteAction(),
        SwitchProtocolAction(),
        DegradeAction(),
        LimitCostAction(),
        CostEfficiencyAction(),
    )
