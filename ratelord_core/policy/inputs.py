"""What the rules of one decision read: each variable computed once, and only if a rule names it."""

from __future__ import annotations

import math
from typing import Any

from ratelord_core.policy.situation import Situation
from ratelord_core.policy.variables import VARIABLES
from ratelord_core.policy.view import View


class Inputs:
    """The variables as one policy means them; ``focus`` is its pool, None = the tightest."""

    __slots__ = ("situation", "values")

    def __init__(self, situation: Situation, focus: str | None = None) -> None:
        self.situation = situation
        self.values = _Values(View(situation, focus))
        """By name, as conditions take them."""


class _Values(dict[str, Any]):
    __slots__ = ("_view",)

    def __init__(self, view: View) -> None:
        super().__init__()
        self._view = view

    def __missing__(self, name: str) -> Any:
        value = self[name] = VARIABLES[name].read(self._view)
        return value


def rounded(value: Any) -> Any:
    """A value as a trace shows it: a number to six significant digits, a whole one as an integer,
    an infinite one as None."""
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        return None
    if value.is_integer() and abs(value) < 2**53:
        return int(value)
    short = float(f"{value:.6g}")
    return int(short) if short.is_integer() else short
