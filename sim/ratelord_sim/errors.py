"""What can go wrong here beside what can go wrong in the core."""

from __future__ import annotations

from ratelord_core.errors import PolicyError


class ScenarioError(PolicyError):
    """A scenario, or the policy in it, is not valid; carries every finding."""

    code = "scenario_invalid"
