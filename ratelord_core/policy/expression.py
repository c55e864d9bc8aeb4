"""Expressions over a tool call: what it is, where it happens, what it costs.

Compiled with the library that conditions are compiled with, but over other names: the arguments of
a tool are not known when the policy is loaded, so a missing one is found when the tool is called.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from ratelord_core.policy import cel, lexer
from ratelord_core.policy.condition import (
    MAX_LENGTH,
    ConditionError,
    EvaluationError,
    Problem,
    problems,
)

Kind = Literal["number", "text", "flag"]

BEFORE: Final[Mapping[str, str]] = {"server": "text", "tool": "text", "args": "object"}
"""What is known before a tool is called."""
AFTER: Final[Mapping[str, str]] = {
    **BEFORE,
    "result": "object",
    "failed": "flag",
    "seconds": "number",
}
"""What is known afterwards."""

_CEL_KINDS: Final = {
    "INT": "number",
    "DOUBLE": "number",
    "UINT": "number",
    "STRING": "text",
    "BOOL": "flag",
}
_HOLE = re.compile(r"""\$\{((?:[^{}"']|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\{[^{}]*\})*)\}""")
_LARGEST = 2**63 - 1


class Expression(msgspec.Struct, frozen=True):
    """A compiled expression; ``text`` is what was written."""

    text: str
    kind: Kind
    program: Any

    def value(self, values: Mapping[str, Any]) -> Any:
        """Its value: a finite number of 0 or more, a text, or a flag.

        Raises ``EvaluationError`` if it has none for these values.
        """
        try:
            found = self.program.eval(None, plain(values))
            kind, answer = found.type().name(), found.value()
        except Exception as error:
            raise EvaluationError(" ".join(str(error).split())) from error
        if kind == "ERROR":
            raise EvaluationError(" ".join(str(answer).split()))
        return _checked(answer, _CEL_KINDS.get(kind, kind.lower()), self.kind)


def _checked(answer: Any, kind: str, wanted: Kind) -> Any:
    if wanted == "text" and kind in ("number", "flag"):
        return _in_text(answer)
    if kind != wanted:
        raise EvaluationError(f"it gives {kind}, not {wanted}")
    if wanted == "number" and not (math.isfinite(answer) and answer >= 0):
        raise EvaluationError(f"it gives {answer}, not a number of 0 or more")
    return answer


def _in_text(answer: Any) -> str:
    if isinstance(answer, bool):
        return "true" if answer else "false"
    if isinstance(answer, float) and answer.is_integer():
        return str(int(answer))
    return str(answer)


class Template(msgspec.Struct, frozen=True):
    """A text with holes, ``repo:${args.owner}/${args.repo}``; the parts alternate."""

    parts: tuple[str | Expression, ...]

    def value(self, values: Mapping[str, Any]) -> str:
        """The text with its holes filled. Raises ``EvaluationError``."""
        return "".join(part if isinstance(part, str) else part.value(values) for part in self.parts)


class Expressions:
    """Compiles expressions over the same names, each once."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._environment: Any = None
        self._compiled: dict[tuple[str, Kind], Expression] = {}

    def compile(self, text: str, kind: Kind) -> Expression:
        """The compiled expression. Raises ``ConditionError`` with every problem in it."""
        known = self._compiled.get((text, kind))
        if known is None:
            known = self._compiled[text, kind] = self._compile(text, kind)
        return known

    def template(self, text: str) -> Template:
        """The compiled template. Raises ``ConditionError`` with the problems of every hole."""
        parts: list[str | Expression] = []
        wrong: list[Problem] = []
        at = 0
        for hole in _HOLE.finditer(text):
            parts.append(text[at : hole.start()])
            at = hole.end()
            try:
                parts.append(self.compile(hole[1], "text"))
            except ConditionError as error:
                wrong += [
                    Problem(hole.start(1) + one.offset, one.message, one.hint)
                    for one in error.problems
                ]
        rest = text[at:]
        if "${" in rest:
            offset = at + rest.index("${")
            wrong.append(Problem(offset, "'${' without its '}'", "write ${args.name}"))
        if wrong:
            raise ConditionError(tuple(wrong))
        return Template(tuple(part for part in (*parts, rest) if part != ""))

    def _compile(self, text: str, kind: Kind) -> Expression:
        if len(text) > MAX_LENGTH:
            message = f"has {len(text)} characters; at most {MAX_LENGTH} are read"
            raise ConditionError((Problem(0, message),))
        if self._environment is None:
            self._environment = cel.new_environment(self._names)
        written = lexer.to_cel(text)
        try:
            program = self._environment.compile(written)
        except Exception as error:
            raise ConditionError(problems(written, str(error), self._names)) from error
        self._check_kind(text, program.return_type().name(), kind)
        return Expression(text, kind, program)

    def _check_kind(self, text: str, found: str, wanted: Kind) -> None:
        kind = _CEL_KINDS.get(found)
        if found == "DYN" or kind == wanted or (wanted == "text" and kind is not None):
            return
        message = f"gives {cel.type_in_words(found)}, not a {wanted}"
        raise ConditionError((Problem(len(text) - len(text.lstrip()), message),))


def plain(value: Any) -> Any:
    """A JSON value as CEL takes it: whole numbers beyond 64 bits become floats."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _LARGEST:
        return float(value) if abs(value) < 10**300 else math.inf
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value
