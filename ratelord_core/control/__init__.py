"""Control: how fast a pool may be drawn from, so that it is used up at its reset and not before."""

from ratelord_core.control.governor import Governor, Request, Spaced
from ratelord_core.control.outside import OutsideUse
from ratelord_core.control.pacing import Paced, Pacing
from ratelord_core.control.protocol import (
    ControllerFactory,
    DelayController,
    PaceParams,
    Reading,
)

__all__ = [
    "ControllerFactory",
    "DelayController",
    "Governor",
    "OutsideUse",
    "PaceParams",
    "Paced",
    "Pacing",
    "Reading",
    "Request",
    "Spaced",
]
