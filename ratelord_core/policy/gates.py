"""When none of many rules applies: known from a few values, without looking at each rule.

Most rules begin with a comparison without which they do not apply, and in most of a level they
compare the same few values. So a level knows between which bounds each value leaves all of its
rules alone.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterable
from math import inf, nextafter
from typing import Any, Final

import msgspec

from ratelord_core.policy.comparisons import Comparison
from ratelord_core.policy.inputs import Inputs


class Gate(msgspec.Struct, frozen=True, gc=False):
    """No rule of the level that begins with this value applies while it is a number from ``least``
    to ``most``, or a text that is none of ``texts``."""

    name: str
    focus: str | None
    least: float = -inf
    most: float = inf
    texts: frozenset[str] | None = None


def gates(begun: Iterable[Comparison | None], meant: Collection[str | None]) -> tuple[Gate, ...]:
    """The gates of rules that begin like that, in the order in which rules read them; none if one
    of the rules cannot be told so simply, or if they mean several pools."""
    found: dict[str, Gate] = {}
    if len(meant) != 1:
        return ()
    (focus,) = meant
    for comparison in begun:
        if comparison is None:
            return ()
        name, _, compare, literal = comparison
        narrowed = _narrowed(found.get(name) or Gate(name, focus), compare, literal)
        if narrowed is None:
            return ()
        found[name] = narrowed
    return tuple(found.values())


def all_shut(level: Iterable[Gate], given: Inputs) -> bool:
    """Whether no rule applies. Reads what the rules would have read up to there."""
    try:
        for gate in level:
            value = given[gate.name]
            if gate.texts is None:
                if type(value) is not float or not gate.least <= value <= gate.most:
                    return False
            elif type(value) is not str or value in gate.texts:
                return False
    except Exception:  # noqa: BLE001 - the rule that reads it again says what went wrong
        return False
    return True


def _narrowed(gate: Gate, compare: Callable[[Any, Any], bool], literal: float | str) -> Gate | None:
    if isinstance(literal, str):
        texts = (gate.texts or frozenset()) | {literal}
        return Gate(gate.name, gate.focus, texts=texts) if compare is operator.eq else None
    if compare not in _BOUNDS:
        return None
    least, most = _BOUNDS[compare](literal)
    return Gate(gate.name, gate.focus, max(gate.least, least), min(gate.most, most))


_BOUNDS: Final[dict[Callable[[Any, Any], bool], Callable[[float], tuple[float, float]]]] = {
    operator.lt: lambda literal: (literal, inf),
    operator.le: lambda literal: (nextafter(literal, inf), inf),
    operator.gt: lambda literal: (-inf, literal),
    operator.ge: lambda literal: (-inf, nextafter(literal, -inf)),
}
"""From where to where a number does not fulfil a comparison with a literal."""
