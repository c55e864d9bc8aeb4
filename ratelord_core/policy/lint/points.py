"""What a condition can be: tried at every point where one of its comparisons could turn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise, product
from typing import Final

from ratelord_core.policy import lexer
from ratelord_core.policy.lint.formula import Formula, formula
from ratelord_core.policy.variables import VARIABLES

MOST_POINTS: Final = 4_000
Value = float | str

_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "intent.urgency": ("high", "normal", "background"),
    "risk.level": ("ok", "warn", "critical", "unknown"),
    "identity.status": ("active", "unknown"),  # others are denied before any rule
    "system.status": ("ok", "warning", "critical"),
}
_RANGES: Final[dict[str, tuple[float, float]]] = {
    "time.hour": (0, 23),
    "time.minute": (0, 59),
    "time.weekday": (0, 6),
    "time.day": (1, 31),
    "time.month": (1, 12),
    "risk.p_exhaustion": (0, 1),
    "pool.remaining_percent": (0, 100),
    "system.risk_score": (0, 100),
    "agent.burn_rate_share": (0, 1),
    "identity.burn_rate_share": (0, 1),
    "scope.burn_rate_share": (0, 1),
    "margin.seconds": (-math.inf, math.inf),
    "agent.priority": (-math.inf, math.inf),
}
_WHOLE: Final = frozenset({"time.hour", "time.minute", "time.weekday", "time.day", "time.month"})


def words_of(name: str) -> tuple[str, ...]:
    """The texts that a variable can hold, if they are few and known."""
    return _WORDS.get(name, ())


@cache  # until the document that it is of has been looked through
def verdict(condition: str) -> bool | None:
    """True if the condition always holds, False if it never does, None if that depends (or takes
    too long to tell). What is no comparison may be true or false."""
    form = formula(condition)
    points = None if form is None else list(_points(form))
    if form is None or not points:
        return None
    held = {form.holds(point) for point in points}
    return held.pop() if len(held) == 1 else None


def implies(narrow: str, wide: str) -> bool:
    """Whether the one condition holds only where the other one does as well."""
    if _plain(narrow) == _plain(wide) or _plain(wide) == "true":
        return True
    inner, outer = formula(narrow), formula(wide)
    if inner is None or outer is None:
        return False
    points = list(_points(inner, outer))
    return bool(points) and all(outer.holds(point) for point in points if inner.holds(point))


def _plain(condition: str) -> str:
    return "".join(lexer.to_cel(condition).split())


def _points(*forms: Formula) -> Iterator[dict[str, Value]]:
    """Enough values of each variable, in every combination, that the forms cannot differ between
    them; nothing if these are too many."""
    literals: dict[str, list[Value]] = {}
    others: dict[str, list[Value]] = {}
    for leaf in (leaf for form in forms for leaf in form.leaves()):
        if leaf.comparison is not None:
            literals.setdefault(leaf.comparison[0], []).append(leaf.comparison[3])
        elif leaf.other:
            others[leaf.other] = [0.0, 1.0]
    axes = [_axis(name, said) for name, said in literals.items()] + list(others.values())
    if math.prod(map(len, axes)) > MOST_POINTS:
        return
    for values in product(*axes):
        yield dict(zip((*literals, *others), values, strict=True))


def _axis(name: str, literals: Sequence[Value]) -> list[Value]:
    if VARIABLES[name].kind == "text":
        known = words_of(name)
        return list(known) or [*dict.fromkeys(literals), "\0 none of these"]
    low, high = _RANGES.get(name, (0.0, math.inf))
    inside = sorted({float(one) for one in literals if low <= float(one) <= high})
    bounds = sorted({low, *inside, high})
    axis: set[float] = set(bounds)
    for left, right in pairwise(bounds):
        axis.add(_between(left, right))
    if name in _WHOLE:
        axis = {math.floor(one) for one in axis} | {math.ceil(one) for one in axis}
    return [float(one) for one in sorted(axis)]


def _between(left: float, right: float) -> float:
    if math.isinf(left) and math.isinf(right):
        return 0.0
    if math.isinf(right):
        return left + 1
    return right - 1 if math.isinf(left) else (left + right) / 2
