"""What the rules of one decision read: each variable computed once, and only if a rule needs it."""

from __future__ import annotations

import math
from typing import Any, cast

from ratelord_core.policy.situation import Situation
from ratelord_core.policy.variables import VARIABLES
from ratelord_core.policy.view import View


class Inputs(dict[str, Any]):
    """The variables by name, as one policy means them; ``focus`` is its pool, None = the
    tightest. It holds those that were read."""

    __slots__ = ("situation", "view")

    def __init__(self, situation: Situation, focus: str | None = None) -> None:
        self.situation = situation
        self.view = View(situation, focus)

    @property
    def meant(self) -> Situation:
        """The situation, with the policy's own pool for the tightest."""
        focus = self.view.focus
        if not focus or focus == self.situation.tightest:
            return self.situation
        return cast("Situation", _Focused(self.situation, focus))

    def __missing__(self, name: str) -> Any:
        variable = VARIABLES[name]
        value = variable.find(self.view)
        if variable.kind == "number":
            value = float(value)
        elif variable.kind == "text":
            value = value or ""
        self[name] = value
        return value


class _Focused:
    """A situation of which one pool is looked at in particular."""

    def __init__(self, situation: Situation, focus: str) -> None:
        self._situation = situation
        self.tightest = focus

    def __getattr__(self, name: str) -> Any:
        return getattr(self._situation, name)


def rounded(value: Any) -> Any:
    """A value as a trace shows it: a number to six significant digits, a whole one as an integer,
    an infinite one as None."""
    if type(value) is not float:
        return value
    if not math.isfinite(value):
        return None
    if value.is_integer() and abs(value) < 2**53:
        return int(value)
    short = float(f"{value:.6g}")
    return int(short) if short.is_integer() else short
