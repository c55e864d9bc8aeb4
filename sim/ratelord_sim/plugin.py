"""Registers the built-in behaviours of simulated agents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ratelord_core import hookimpl

if TYPE_CHECKING:
    from ratelord_core.behavior import Behavior


@hookimpl
def ratelord_register_behaviors() -> list[Behavior]:
    """Greedy, periodic, poisson, bursty, trace."""
    from ratelord_sim.actors.behaviors import BUILT_IN  # noqa: PLC0415 - a daemon needs none

    return list(BUILT_IN)
