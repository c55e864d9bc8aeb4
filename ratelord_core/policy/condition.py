"""A rule's condition: checked and compiled when it is loaded, evaluated for every intent."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from functools import partial
from typing import Any, Protocol

import msgspec

from ratelord_core.policy import cel, lexer
from ratelord_core.policy.comparisons import (
    Comparison,
    Comparisons,
    Conjunction,
    comparisons,
    leading,
)
from ratelord_core.policy.function import ConditionFunction
from ratelord_core.policy.variables import VARIABLES

MAX_LENGTH = 10_000
_FEW = 12
_SURELY = 32
"""So many comparisons of known names with literals of their kinds are never refused: CEL compiles
them when it is asked, which is hardly ever."""


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with a condition; ``offset`` counts characters from its start."""

    offset: int
    message: str
    hint: str = ""


class ConditionError(ValueError):
    """A condition that cannot be compiled, with every problem."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


class EvaluationError(Exception):
    """A condition has no value: a label that is not there, a division by zero."""


class Condition(Protocol):
    """A compiled condition. ``names`` are the variables that it reads; ``constant`` is its value
    if it reads none; ``gate`` the comparison that it begins with and that must hold, if any."""

    gate: Comparison | None
    text: str
    names: tuple[str, ...]
    constant: bool | None

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether it holds for these values, of which it reads those of its names that it needs.
        Raises ``EvaluationError``, and whatever reading a value raises."""
        ...


class CelCondition:
    """A condition that cel-cpp compiled. What it begins with is compared before anything else is
    read: where that does not hold, neither CEL nor the rest is asked."""

    __slots__ = ("_begins", "_evaluate", "constant", "gate", "names", "text")

    def __init__(
        self, text: str, names: tuple[str, ...], expression: Any, begins: Conjunction = ()
    ) -> None:
        self.text = text
        self.names = names
        self.gate = begins[0] if begins else None
        self._begins = begins
        self._evaluate = expression.eval
        self.constant = None if names else self.holds({})

    def holds(self, values: Mapping[str, Any]) -> bool:
        for name, kind, compare, literal in self._begins:
            value = values[name]
            if type(value) is kind and not compare(value, literal):
                return False
        given = {name: values[name] for name in self.names}
        try:
            answer = self._evaluate(None, given).value()  # by position: a fifth faster
        except Exception as error:
            raise EvaluationError(" ".join(str(error).split())) from error
        if answer is True or answer is False:
            return bool(answer)
        raise EvaluationError(" ".join(str(answer).split()))


class Conditions:
    """Compiles conditions, each text once. ``functions`` are those that plugins offer."""

    def __init__(self, functions: Iterable[ConditionFunction] = ()) -> None:
        self.functions = {one.name: one for one in functions}
        self._cel: _Cel | None = None
        self._compiled: dict[str, Condition] = {}

    def compile(self, text: str) -> Condition:
        """The compiled condition. Raises ``ConditionError`` with every problem in it."""
        known = self._compiled.get(text)
        if known is None:
            known = self._compiled[text] = self._compile(text)
        return known

    def _compile(self, text: str) -> Condition:
        if len(text) > MAX_LENGTH:
            message = f"has {len(text)} characters; at most {MAX_LENGTH} are read"
            raise ConditionError((Problem(0, message),))
        if self._cel is None:
            self._cel = _Cel(self.functions)
        written = lexer.to_cel(text)
        plain = comparisons(written)
        if plain is not None and sum(map(len, plain)) <= _SURELY:
            return Comparisons(text, plain, partial(self._cel.compile, text, written))
        compiled = self._cel.compile(text, written)
        return compiled if plain is None else Comparisons(text, plain, lambda: compiled)


class _Cel:
    """CEL with our names. It knows nothing of what it compiled, which may hold on to it to be
    compiled later: a policy that is let go leaves no circle behind."""

    def __init__(self, functions: Mapping[str, ConditionFunction]) -> None:
        self._names = (*VARIABLES, *functions)
        self._environment: Any = cel.new_environment(functions=functions.values())

    def compile(self, text: str, written: str) -> CelCondition:
        inner = lexer.inner_loop(written)
        if inner is not None:
            message = "a loop inside a loop costs too much; write one of them out"
            raise ConditionError((Problem(inner, message),))
        try:
            expression = self._environment.compile(written)
        except Exception as error:
            raise ConditionError(problems(written, str(error), self._names)) from error
        kind = expression.return_type().name()
        if kind != "BOOL":
            message = f"gives {cel.type_in_words(kind)}, not true or false"
            raise ConditionError((Problem(_start(text), message, "compare it with something"),))
        try:
            names = lexer.used(written, VARIABLES)
            compiled = CelCondition(text, names, expression, leading(written))
        except EvaluationError as error:
            raise ConditionError((Problem(_start(text), f"has no value: {error}"),)) from error
        self._check_patterns(written)
        return compiled

    def _check_patterns(self, written: str) -> None:
        """A pattern that is none would deny whatever its rule looks at."""
        for pattern in lexer.patterns(written):
            found = self._environment.compile(f"''.matches({pattern.name})").eval(None, {})
            if found.type().name() == "ERROR":
                said = " ".join(str(found.value()).split())
                message = f"{pattern.name} is no regular expression: {said}"
                raise ConditionError((Problem(pattern.start, message, "write RE2 syntax"),))


def _start(text: str) -> int:
    return len(text) - len(text.lstrip())


def problems(text: str, message: str, known: Collection[str] = VARIABLES) -> tuple[Problem, ...]:
    """What a compiler's message says is wrong with a text in which these names are known."""
    return tuple(
        _problem(text, _offset(text, line, column), said, known)
        for line, column, said in cel.errors(message)
    )


def _offset(text: str, line: int, column: int) -> int:
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    return min(start + column - 1, len(text))


def _problem(text: str, offset: int, said: str, known: Collection[str]) -> Problem:
    # A member of something that has none (``cost.window``) is an unknown name as well.
    if said.startswith("undeclared reference") or "operand of a select" in said:
        for word in lexer.words(text):
            if word.start <= offset <= word.end:
                return _unknown(word, known)
    if said.startswith("syntax error"):
        return Problem(offset, said, _syntax_hint(text))
    return Problem(offset, said)


def _unknown(word: lexer.Word, known: Collection[str]) -> Problem:
    if word.name in known:
        return Problem(word.start, f"{word.name} takes other arguments", "see its signature")
    parts = word.name.split(".")
    candidates = [".".join(parts[:count]) for count in range(len(parts), 0, -1)]
    for candidate in candidates:
        close = difflib.get_close_matches(candidate, known, n=1, cutoff=0.6)
        if close:
            return Problem(word.start, f"unknown name {word.name!r}", f"did you mean {close[0]!r}?")
    members = [name for name in known if name.startswith(f"{parts[0]}.")]
    if not members and len(known) < _FEW:
        members = sorted(known)
    hint = f"known: {', '.join(members)}" if members else "see the table of variables in the docs"
    return Problem(word.start, f"unknown name {word.name!r}", hint)


def _syntax_hint(text: str) -> str:
    found = {word.name for word in lexer.words(text)}
    if found & {"and", "or", "not"}:
        return "write && or AND, || or OR, ! or NOT"
    bare = text
    for pair in ("==", "!=", "<=", ">="):
        bare = bare.replace(pair, "")
    return "compare with ==" if "=" in bare else ""
