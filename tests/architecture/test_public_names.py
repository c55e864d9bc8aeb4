"""Plugins, ours as well as strangers', use the names that the core promises to keep."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PUBLIC = (
    "ratelord_core.model",
    "ratelord_core.events",
    "ratelord_core.hookspecs",
    "ratelord_core.agent_tools",
    "ratelord_core.doors",
    "ratelord_core.exporter",
    "ratelord_core.store",
    "ratelord_core.graph",
    "ratelord_core.forecast",
    "ratelord_core.control",
    "ratelord_core.provider",
    "ratelord_core.behavior",
    "ratelord_core.policy.action",
    "ratelord_core.policy.function",
    "ratelord_core.policy.situation",
    "ratelord_core.errors",
    "ratelord_core.clock",
    "ratelord_core.headers",
    "ratelord_core.inbound",
    "ratelord_core.leaving",
    "ratelord_core.model_pools",
    "ratelord_core.model_provider",
    "ratelord_core.outbound",
    "ratelord_core.testing",
    "ratelord_core.transport",
    "ratelord_core.verb",
)
FILES = sorted((ROOT / "plugins").rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_a_plugin_imports_public_names_only(file: Path) -> None:
    private = [
        name
        for name in _imported(ast.parse(file.read_text(encoding="utf-8")))
        if name.startswith("ratelord_core.") and not _is_public(name)
    ]

    assert not private


def _is_public(name: str) -> bool:
    return any(name == public or name.startswith(f"{public}.") for public in PUBLIC)


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module == "ratelord_core":
            yield from (
                f"ratelord_core.{alias.name}"
                for alias in node.names
                if alias.name not in {"hookimpl", "hookspec", "__version__"}
            )
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
