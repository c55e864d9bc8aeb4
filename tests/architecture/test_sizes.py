"""Files are about one noun and functions are one thought: what is larger is listed, and shrinks."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("ratelord_core", "ratelord_mcp", "plugins", "sdk/python", "sim", "docs/_ext")
RULES = tomllib.loads((Path(__file__).parent / "sizes.toml").read_text(encoding="utf-8"))
LARGER = {entry["what"]: entry for entry in RULES.get("larger", ())}

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


def test_what_is_larger_than_the_rule_is_listed() -> None:
    unlisted = {what: lines for what, lines in _too_large().items() if what not in LARGER}

    assert not unlisted, "split it, or list it with a reason in tests/architecture/sizes.toml"


@pytest.mark.parametrize("what", LARGER)
def test_what_is_listed_only_shrinks(what: str) -> None:
    now = _too_large().get(what)

    assert now is not None, f"{what} is within the rule now: remove it from sizes.toml"
    assert now == LARGER[what]["lines"], (
        f"{what} has {now} lines: say so if it shrank, split if not"
    )


@pytest.mark.parametrize("what", LARGER)
def test_what_is_listed_has_a_reason(what: str) -> None:
    assert len(LARGER[what]["reason"].split()) > 5


def _too_large() -> dict[str, int]:
    return {
        what: lines
        for what, lines, limit in _sizes()
        if lines > limit  # the docstring of a function does not count: we want those
    }


def _sizes() -> Iterator[tuple[str, int, int]]:
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            text = file.read_text(encoding="utf-8")
            where = file.relative_to(ROOT).as_posix()
            yield where, text.count("\n"), RULES["file_lines"]
            for name, node in _functions(ast.parse(text), ""):
                yield f"{where}::{name}", _length(node), RULES["function_lines"]


def _functions(tree: ast.AST, prefix: str) -> Iterator[tuple[str, FunctionNode]]:
    for node in ast.iter_child_nodes(tree):
        named = isinstance(node, FunctionNode | ast.ClassDef)
        name = f"{prefix}{node.name}." if named else prefix
        if isinstance(node, FunctionNode):
            yield name.removesuffix("."), node
        yield from _functions(node, name)


def _length(node: FunctionNode) -> int:
    length = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        length -= (first.end_lineno or first.lineno) - first.lineno + 1
    return length
