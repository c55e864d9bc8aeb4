"""The generated pages have everything that the code has, and every page can be reached."""

from __future__ import annotations

import importlib.util
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

from ratelord_core import hookspecs
from ratelord_core.events.catalogue import CATALOGUE
from ratelord_core.model.config import Settings
from ratelord_core.policy.variables import VARIABLES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LINK = re.compile(r"\]\(([^)#:]+?)(?:#[^)]*)?\)")


def _extension(name: str) -> ModuleType:
    pytest.importorskip("sphinx", reason="installed where the documentation is built: tox -e docs")
    spec = importlib.util.spec_from_file_location(name, DOCS / "_ext" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_setting_of_a_policy_is_on_its_page() -> None:
    page = (DOCS / "policy.md").read_text(encoding="utf-8")
    table = page.partition("### Settings\n")[2].partition("### ")[0]
    named = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)

    assert set(re.findall(r"`(\w+)`", " ".join(named))) == set(Settings.__struct_fields__)


def test_every_hook_is_on_the_hooks_page_in_the_order_of_the_code() -> None:
    page = (DOCS / "hooks.md").read_text(encoding="utf-8")
    hooks = [name for name in vars(hookspecs) if name.startswith("ratelord_")]

    assert re.findall(r"^```\{hook\} (\w+)$", page, re.MULTILINE) == hooks


def test_a_hook_is_shown_with_its_docstring_and_its_users() -> None:
    shown = _extension("hook_reference").markdown_of("ratelord_register_stores")

    assert inspect.getdoc(hookspecs.ratelord_register_stores) in shown
    assert "`sql`" in shown


@pytest.mark.parametrize("event_type", CATALOGUE)
def test_every_event_type_is_shown_with_its_fields(event_type: str) -> None:
    kind = CATALOGUE[event_type]
    shown = _extension("event_catalogue").markdown_of(kind)

    assert f"## `{event_type}`" in shown
    assert [f for f in kind.__struct_fields__ if f"| `{f}` |" not in shown] == []


def test_every_setting_is_in_the_table_with_what_it_does() -> None:
    table = _extension("settings_table")
    rows = table.markdown_of(table.Settings).splitlines()[2:]

    assert len(rows) == len(table.Settings.model_fields)
    assert not [row for row in rows if row.endswith("|  |")]


def test_every_variable_and_function_of_conditions_is_in_a_table() -> None:
    reference = _extension("condition_reference")
    page = (DOCS / "conditions.md").read_text(encoding="utf-8")
    variables, functions = reference.variables_markdown(), reference.functions_markdown()

    assert "```{variables}" in page
    assert "```{functions}" in page
    assert [name for name in VARIABLES if f"| `{name}` |" not in variables] == []
    assert "`business_hours_at(number, text) → flag`" in functions


@pytest.mark.parametrize(
    "page", [*DOCS.rglob("*.md"), *ROOT.glob("*.md")], ids=lambda page: page.name
)
def test_a_page_links_only_to_what_is_there(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))

    assert not [link for link in links if not (page.parent / link).exists()]


def test_every_page_is_in_the_table_of_contents() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8").splitlines()
    pages = {page.stem for page in DOCS.glob("*.md")} - {"index"}

    assert pages <= set(index)
    assert "providers/*" in index
