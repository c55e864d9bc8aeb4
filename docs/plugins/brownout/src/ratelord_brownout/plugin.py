"""Registers the action ``brownout``."""

from __future__ import annotations

from ratelord_brownout.action import BrownoutAction
from ratelord_core import hookimpl


@hookimpl
def ratelord_register_policy_actions() -> list[BrownoutAction]:
    """One action, for rules to name."""
    return [BrownoutAction()]
