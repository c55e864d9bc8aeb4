"""Registers the built-in delay controllers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ratelord_core import hookimpl
from ratelord_core.control import ControllerFactory
from ratelord_pid.additive import AimdFactory
from ratelord_pid.even import PaceFactory
from ratelord_pid.feedback import PidFactory


@hookimpl
def ratelord_register_delay_controllers() -> Iterable[ControllerFactory[Any]]:
    """Every controller of this plugin, ready to be named."""
    return (PidFactory(), AimdFactory(), PaceFactory())
