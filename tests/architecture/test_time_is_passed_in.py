"""Time, randomness and ids are parameters below the composition root."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = (
    "ratelord_core/model",
    "ratelord_core/events",
    "ratelord_core/ledger",
    "ratelord_core/projections",
    "ratelord_core/graph",
    "ratelord_core/forecast",
    "ratelord_core/policy",
    "ratelord_core/engine",
    "ratelord_core/journal",
    "ratelord_core/log_writer",
    "ratelord_core/model_pools",
    "ratelord_core/model_provider",
    "ratelord_core/outbound",
    "ratelord_core/provider",
    "ratelord_core/tokens",
    "ratelord_core/watch",
    "plugins",
)
"""Folders, or modules of that name."""

SOURCES = {"time", "random", "uuid", "secrets"}
"""Modules that nothing here may import at all."""
CALLS = {"now", "utcnow", "today", "urandom"}
"""Calls on a class or module of the standard library that look at the world."""

FILES = sorted(
    file
    for room in ROOMS
    for place in (ROOT / room, (ROOT / room).with_suffix(".py"))
    for file in ([place] if place.suffix else place.rglob("*.py"))
    if file.is_file()
)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_a_room_below_the_composition_root_asks_nobody_for_the_time(file: Path) -> None:
    assert not list(_looks_at_the_world(ast.parse(file.read_text(encoding="utf-8"))))


def _looks_at_the_world(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (f"{node.lineno}: {a.name}" for a in names if a.name in SOURCES)
            case ast.ImportFrom(module=module) if module in SOURCES:
                yield f"{node.lineno}: from {module}"
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=attribute)):
                if attribute in CALLS and owner in {"datetime", "date", "os", "dt"}:
                    yield f"{node.lineno}: {owner}.{attribute}"
