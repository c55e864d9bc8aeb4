"""A condition as far as it can be seen through: comparisons joined by ``&&``, ``||``, ``!`` and
brackets. Whatever else stands there is something that may be true or false."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

import msgspec

from ratelord_core.policy import lexer
from ratelord_core.policy.comparisons import Comparison, comparisons

_MEMBER: Final = re.compile(r"([a-z_][a-z_0-9.]*)\s+in\s+\[([^\[\]]*)\]", re.ASCII)
_SAME: Final = re.compile(r"([\w.]+)\s*(==|!=|<=|>=|<|>)\s*\1", re.ASCII)
_DEEPEST: Final = 40
_ENDS: Final = ("&&", "||", ")")


class Unclear(Exception):
    """It is built of more than this room can take apart."""


class Formula(msgspec.Struct, frozen=True):
    """One comparison, one thing of its own (``other``), a constant, or ``parts`` that are joined:
    ``word`` is ``&&``, ``||`` or ``!``."""

    word: str = ""
    parts: tuple[Formula, ...] = ()
    comparison: Comparison | None = None
    other: str = ""
    constant: bool = False

    def holds(self, point: Mapping[str, Any]) -> bool:
        """Whether it is true where the variables, and the other things, have these values."""
        if self.word == "&&":
            return all(part.holds(point) for part in self.parts)
        if self.word == "||":
            return any(part.holds(point) for part in self.parts)
        if self.word == "!":
            return not self.parts[0].holds(point)
        if self.comparison is not None:
            name, _, compare, literal = self.comparison
            return bool(compare(point[name], literal))
        return bool(point[self.other]) if self.other else self.constant

    def leaves(self) -> Iterator[Formula]:
        """Everything that is joined."""
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.leaves()

    def comparisons(self) -> Iterator[Comparison]:
        """Every comparison in it."""
        return (leaf.comparison for leaf in self.leaves() if leaf.comparison is not None)


@cache  # until the document that it is of has been looked through
def formula(condition: str) -> Formula | None:
    """The condition; None if it cannot be taken apart."""
    written = lexer.to_cel(condition)
    plain = comparisons(written)
    if plain is not None:
        return _joined(
            "||", [_joined("&&", [Formula(comparison=c) for c in all_of]) for all_of in plain]
        )
    try:
        return _Reading(written).whole()
    except Unclear:
        return None


class _Reading:
    """Reads a condition from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(lexer.tokens(text))
        self._at = 0
        self._depth = 0
        if any(token.text in ("?", "{") for token in self._tokens):
            raise Unclear  # a choice binds weaker than ||

    def whole(self) -> Formula:
        found = self._any()
        if self._at < len(self._tokens):
            raise Unclear
        return found

    def _next(self) -> str:
        return self._tokens[self._at].text if self._at < len(self._tokens) else ""

    def _any(self) -> Formula:
        return self._series("||", self._all)

    def _all(self) -> Formula:
        return self._series("&&", self._one)

    def _series(self, word: str, part: Any) -> Formula:
        found = [part()]
        while self._next() == word:
            self._at += 1
            found.append(part())
        return _joined(word, found)

    def _one(self) -> Formula:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Unclear
        try:
            if self._next() == "!" and self._bracket_after(1) is not False:
                self._at += 1
                return Formula("!", (self._one(),))
            if self._next() == "(" and self._bracket_after(0):
                self._at += 1
                inner = self._any()
                self._at += 1
                return inner
            return self._leaf()
        finally:
            self._depth -= 1

    def _bracket_after(self, ahead: int) -> bool | None:
        """Whether the bracket that opens there holds a whole part; None if none opens there."""
        tokens, at, depth = self._tokens, self._at + ahead, 0
        if at >= len(tokens) or tokens[at].text != "(":
            return None
        for place in range(at, len(tokens)):
            depth += (tokens[place].text == "(") - (tokens[place].text == ")")
            if depth == 0:
                return place + 1 == len(tokens) or tokens[place + 1].text in _ENDS
        raise Unclear

    def _leaf(self) -> Formula:
        """Everything up to the next operator outside brackets."""
        first, depth = self._at, 0
        while self._at < len(self._tokens):
            text = self._next()
            if depth == 0 and text in _ENDS:
                break
            depth += (text in "([") - (text in ")]") if text else 0
            self._at += 1
        if self._at == first:
            raise Unclear
        tokens = self._tokens[first : self._at]
        return _leaf(self._text[tokens[0].start : tokens[-1].end], [one.text for one in tokens])


def _leaf(written: str, texts: list[str]) -> Formula:
    if written in ("true", "false"):
        return Formula(constant=written == "true")
    plain = comparisons(written)
    if plain is not None and len(plain) == 1 and len(plain[0]) == 1:
        return Formula(comparison=plain[0][0])
    member = _MEMBER.fullmatch(written)
    if member is not None:
        each = [comparisons(f"{member[1]} == {one.strip()}") for one in member[2].split(",")]
        if all(each):
            return _joined("||", [Formula(comparison=one[0][0]) for one in each if one])
    same = _SAME.fullmatch(written)
    if same is not None:
        return Formula(constant=same[2] in ("==", "<=", ">="))
    return Formula(other=" ".join(texts))


def _joined(word: str, parts: list[Formula]) -> Formula:
    return parts[0] if len(parts) == 1 else Formula(word, tuple(parts))
