"""A hook is there for somebody: each has a built-in user, a test, and a section in the docs."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from ratelord_core import hookspecs, plugins

ROOT = Path(__file__).parents[2]
HOOKS = {
    name: function
    for name, function in inspect.getmembers(hookspecs, inspect.isfunction)
    if name.startswith("ratelord_")
}


def test_there_are_hooks() -> None:
    assert HOOKS


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_has_a_built_in_user(hook: str) -> None:
    ours = [info for info in plugins.load().listed if info.distribution == "ratelord"]

    assert [info.name for info in ours if hook in info.hooks]


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_has_a_test(hook: str) -> None:
    tests = (
        file for file in (ROOT / "tests").rglob("test_*.py") if file.parent.name != "architecture"
    )

    assert [file.name for file in tests if hook in file.read_text(encoding="utf-8")]


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_has_a_section_in_the_docs(hook: str) -> None:
    page = (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")

    assert f"```{{hook}} {hook}" in page


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_says_when_it_is_called_and_is_never_a_coroutine(hook: str) -> None:
    assert inspect.getdoc(HOOKS[hook])
    assert "called" in (inspect.getdoc(HOOKS[hook]) or "").lower()
    assert not inspect.iscoroutinefunction(HOOKS[hook])
