"""The simplest conditions, one value compared with one literal, without a call into CEL.

Most rules are of this form, and comparing two Python values costs a tenth of an evaluation.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from ratelord_core.policy.variables import VARIABLES

_FORM: Final = re.compile(
    r"""\s* ([a-z_][a-z_0-9.]*) \s* (<=|>=|==|!=|<|>) \s*
    (?: (-?(?:0|[1-9][0-9]{0,14})) | (-?(?:0|[1-9][0-9]{0,8})\.[0-9]{1,6})
    | (["'])([\w :/@*.+-]*)\5 )
    \s*""",
    re.VERBOSE | re.ASCII,
)
"""Literals that CEL and Python read alike: exact numbers, texts without escapes."""
_OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


class Comparison:
    """``name operator literal``, already checked by CEL's compiler."""

    __slots__ = ("_compare", "_kind", "_literal", "_name")

    def __init__(
        self, name: str, compare: Callable[[Any, Any], bool], literal: float | str
    ) -> None:
        self._name = name
        self._compare = compare
        self._literal = literal
        self._kind = str if isinstance(literal, str) else float

    def holds(self, values: Mapping[str, Any]) -> bool | None:
        """Whether it holds; None if the value is missing or of another kind, which CEL answers."""
        value = values.get(self._name)
        return self._compare(value, self._literal) if type(value) is self._kind else None


def comparison(written: str) -> Comparison | None:
    """The comparison that a CEL text is, if it is no more than one."""
    match = _FORM.fullmatch(written)
    if match is None:
        return None
    name, sign, whole, fraction, _, text = match.groups()
    variable = VARIABLES.get(name)
    if variable is None or variable.kind != ("number" if text is None else "text"):
        return None
    if text is not None:
        # texts are ordered by bytes there and by code points here: only equality is the same
        equality = sign in {"==", "!="}
        return Comparison(name, _OPERATORS[sign], text) if equality else None
    return Comparison(name, _OPERATORS[sign], float(whole or fraction))
