"""The words of a condition: where names stand, and ``AND``/``OR``/``NOT`` made CEL."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import NamedTuple

import msgspec

_TOKEN = re.compile(
    r"""
    (?P<string>
        [rR][bB]?(?:\"\"\".*?\"\"\"|'''.*?'''|"[^"\n]*"|'[^'\n]*')
      | [bB]?(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''
              |"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    )
  | (?P<comment>//[^\n]*)
  | (?P<number>\d[\w.]*)
  | (?P<name>[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*)
  | (?P<space>\s+)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
# The replacements are as long as the words, so that columns stay where they are.
_WORDS = {"AND": "&& ", "OR": "||", "NOT": "!  "}
_SPELT = re.compile(r"AND|OR|NOT")


class _Part(NamedTuple):
    """What the text is made of, one after the other; ``kind`` is a group of ``_TOKEN``."""

    kind: str
    text: str
    start: int
    end: int


@lru_cache(maxsize=16)
def _parts(text: str) -> tuple[_Part, ...]:
    """The text in parts: whoever reads a condition does so several times in a row."""
    return tuple(
        [
            _Part(match.lastgroup or "other", match.group(), *match.span())
            for match in _TOKEN.finditer(text)
        ]
    )


class Word(msgspec.Struct, frozen=True):
    """A name, dotted or not, and where it starts and ends in the text."""

    name: str
    start: int
    end: int


def to_cel(text: str) -> str:
    """The same condition with ``AND``, ``OR`` and ``NOT`` as operators, column for column; strings
    and comments stay as they are."""
    return _TOKEN.sub(_operator, text) if _SPELT.search(text) else text


def _operator(match: re.Match[str]) -> str:
    found = match.group()
    return _WORDS.get(found, found) if match.lastgroup == "name" else found


def words(text: str) -> Iterator[Word]:
    """Every name outside strings and comments. A name that follows a dot is a member of what
    stands before it, not a name of its own."""
    before = ""
    for kind, found, start, end in _parts(text):
        if kind == "name" and before != ".":
            yield Word("".join(found.split()), start, end)
        if kind not in ("space", "comment"):
            before = found


class Token(msgspec.Struct, frozen=True):
    """A word, number, string or operator, and where it starts and ends in the text."""

    text: str
    start: int
    end: int


def tokens(text: str) -> Iterator[Token]:
    """Everything but spaces and comments; ``&&`` and ``||`` are one token each."""
    doubled = -1
    for kind, _, start, end in _parts(text):
        if kind in ("space", "comment") or start == doubled:
            continue
        last = end
        if kind == "other" and text[start : start + 2] in ("&&", "||"):
            doubled = end
            last += 1
        yield Token(text[start:last], start, last)


_LOOPS = frozenset({"all", "exists", "exists_one", "map", "filter"})
_LOOP = re.compile("|".join(sorted(_LOOPS)))


def inner_loop(text: str) -> int | None:
    """Where the first loop (``.all(…)`` and the like) inside the brackets of another one starts."""
    depth, loops, name = 0, list[int](), ""
    for kind, found, start, _ in _parts(text) if _LOOP.search(text) else ():
        if found == "(":
            depth += 1
            if name.rpartition(".")[2].strip() in _LOOPS:
                if loops:
                    return start
                loops.append(depth)
        elif found == ")":
            if loops and loops[-1] == depth:
                loops.pop()
            depth -= 1
        if kind not in ("space", "comment"):
            name = found if kind == "name" else ""
    return None


def patterns(text: str) -> Iterator[Word]:
    """Every string that stands alone between brackets after ``matches``: a pattern as written."""
    before: list[str] = ["", ""]
    kept: _Part | None = None
    for part in _parts(text) if "matches" in text else ():
        kind, found, _, _ = part
        if kind in ("space", "comment"):
            continue
        if found == ")" and kept is not None:
            yield Word(kept.text, kept.start, kept.end)
        called = before[0].rpartition(".")[2].strip() == "matches" and before[1] == "("
        kept = part if kind == "string" and called else None
        before = [before[1], found]


def used(text: str, known: Collection[str]) -> tuple[str, ...]:
    """The variables that a condition reads, each once, in the order of their first use."""
    found: dict[str, None] = {}
    for word in words(text):
        parts = word.name.split(".")
        for count in range(len(parts), 0, -1):
            prefix = ".".join(parts[:count])
            if prefix in known:
                found[prefix] = None
                break
    return tuple(found)
