"""Chances, and their log odds."""

from __future__ import annotations

from math import exp, log
from typing import Final

_MOST: Final = 9.0
"""Nothing is surer than that."""


def odds_of(chance: float) -> float:
    """The log odds of a chance, bounded."""
    if chance <= 0.0:
        return -_MOST
    if chance >= 1.0:
        return _MOST
    return min(_MOST, max(-_MOST, log(chance / (1.0 - chance))))


def chance_of(odds: float) -> float:
    """The chance with these log odds."""
    return 1.0 / (1.0 + exp(-min(30.0, max(-30.0, odds))))
