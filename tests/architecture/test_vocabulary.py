"""One word for one thing, and names that say something."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(
    file
    for room in ("ratelord_core", "ratelord_mcp", "plugins", "sdk/python", "sim", "tests", "docs")
    for file in (ROOT / room).rglob("*.py")
)
NAMELESS = {
    "util",
    "utils",
    "helper",
    "helpers",
    "common",
    "base",
    "manager",
    "misc",
    "stuff",
    "shared",
}
"""Names that would hold anything, and therefore come to hold everything."""

SYNONYMS = {
    "quota": "constraint, or limit",
    "quotas": "constraints, or limits",
    "reservation": "hold",
    "reservations": "holds",
    "limiter": "pool, or arbiter",
    "throttler": "pool, or arbiter",
}
"""Other words for ours. ``bucket`` is the name of one window kind and so not among them."""


def test_no_module_has_a_name_that_would_hold_anything() -> None:
    assert not [file for file in FILES if file.stem in NAMELESS or file.parent.name in NAMELESS]


@pytest.mark.parametrize("room", ["ratelord_core", "ratelord_mcp", "plugins", "sdk/python", "sim"])
def test_no_name_in_the_code_is_a_synonym(room: str) -> None:
    found = [
        f"{file.relative_to(ROOT)}: {name} (say {SYNONYMS[word]})"
        for file in FILES
        if file.is_relative_to(ROOT / room)
        for name in _names(ast.parse(file.read_text(encoding="utf-8")))
        for word in _words(name)
        if word in SYNONYMS
    ]

    assert not found


def _words(name: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.name
            case ast.arg():
                yield node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.id
