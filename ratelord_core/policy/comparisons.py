"""The simplest conditions, values compared with literals, without a call into CEL.

Most rules are comparisons joined by ``&&``, a few by ``||``; comparing two Python values costs a
tenth of an evaluation.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from ratelord_core.policy import lexer
from ratelord_core.policy.variables import VARIABLES

if TYPE_CHECKING:
    from ratelord_core.policy.condition import CelCondition

_FORM: Final = re.compile(
    r"""[ \t\n\f\r]* ([a-z_][a-z_0-9.]*) [ \t\n\f\r]* (<=|>=|==|!=|<|>) [ \t\n\f\r]*
    (?: (-?(?:0|[1-9][0-9]{0,14})) | (-?(?:0|[1-9][0-9]{0,8})\.[0-9]{1,6})
    | (["'])([\w :/@*.+-]*)\5 )
    [ \t\n\f\r]*""",
    re.VERBOSE | re.ASCII,
)
"""Literals that CEL and Python read alike: exact numbers, texts without escapes, quotes or
operators, so that a text may be split at its operators before it is read. The spaces are CEL's."""
_OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}

_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")

Comparison = tuple[str, type, Callable[[Any, Any], bool], float | str]
"""The value's name, the kind it must have, how it is compared, with what."""
Conjunction = tuple[Comparison, ...]
AnyOf = tuple[Conjunction, ...]


class Comparisons:
    """Any of some conjunctions of comparisons. Values are read from left to right, as far as it
    takes to know; CEL answers where one is of another kind: ``compiled`` compiles it then."""

    __slots__ = ("_any_of", "_compiled", "_compiling", "constant", "gate", "names", "text")

    def __init__(self, text: str, any_of: AnyOf, compiled: Callable[[], CelCondition]) -> None:
        self.text = text
        self.constant: bool | None = None
        self.gate = any_of[0][0] if len(any_of) == 1 else None
        self.names = tuple(dict.fromkeys(one[0] for all_of in any_of for one in all_of))
        self._any_of = any_of
        self._compiling = compiled
        self._compiled: CelCondition | None = None

    def holds(self, values: Mapping[str, Any]) -> bool:
        for conjunction in self._any_of:
            for name, kind, compare, literal in conjunction:
                value = values[name]
                if type(value) is not kind:
                    return self._in_cel().holds(values)
                if not compare(value, literal):
                    break
            else:
                return True
        return False

    def _in_cel(self) -> CelCondition:
        if self._compiled is None:
            self._compiled = self._compiling()
        return self._compiled


def comparisons(written: str) -> AnyOf | None:
    """The comparisons that a CEL text consists of, if it is no more than that."""
    any_of: list[Conjunction] = []
    for part in written.split("||"):
        conjunction = []
        for each in part.split("&&"):
            found = _comparison(each)
            if found is None:
                return None
            conjunction.append(found)
        any_of.append(tuple(conjunction))
    return tuple(any_of)


def leading(written: str) -> Conjunction:
    """The comparisons that a CEL text begins with and that must all hold: what stands before the
    first ``&&`` that joins something else, where nothing but ``&&`` joins the whole."""
    found: list[Comparison] = []
    depth, begin, plain = 0, 0, True
    for token in lexer.tokens(written):
        depth += (token.text in _OPENING) - (token.text in _CLOSING)
        if depth == 0 and token.text in ("||", "?"):
            return ()
        if depth == 0 and token.text == "&&" and plain:
            comparison = _comparison(written[begin : token.start])
            plain, begin = comparison is not None, token.end
            found += () if comparison is None else (comparison,)
    return tuple(found)


def _comparison(written: str) -> Comparison | None:
    match = _FORM.fullmatch(written)
    if match is None:
        return None
    name, sign, whole, fraction, _, text = match.groups()
    variable = VARIABLES.get(name)
    if variable is None or variable.kind != ("number" if text is None else "text"):
        return None
    if text is None:
        return (name, float, _OPERATORS[sign], float(whole or fraction))
    # texts are ordered by bytes there and by code points here: only equality is the same
    return (name, str, _OPERATORS[sign], text) if sign in {"==", "!="} else None
