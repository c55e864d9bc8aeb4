"""The page about the policy file says what the code does."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ratelord_core.model.config import Document
from ratelord_core.policy.windows import KEYS_OF

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "policy.md").read_text(encoding="utf-8")
CONDITIONS = (DOCS / "conditions.md").read_text(encoding="utf-8")
BUDGETS = (DOCS / "budgets.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(
    r"^```yaml\n(.*?)^```$", PAGE + CONDITIONS + BUDGETS, re.DOTALL | re.MULTILINE
)


def rows_after(heading: str) -> list[list[str]]:
    """The cells of the first table after a line."""
    after = PAGE.split(heading, 1)[1]
    table = re.search(r"(?:^\|.*\n)+", after, re.MULTILINE)
    assert table is not None
    lines = table.group().splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_table_of_actions_lists_every_built_in_action_and_parameter(
    actions: dict[str, Any],
) -> None:
    listed = {code(row[0])[0]: code(row[1]) for row in rows_after("### Actions")}
    assert listed == {
        name: list(action.params.__struct_fields__) for name, action in actions.items()
    }


def test_the_table_of_windows_lists_every_kind_with_its_keys() -> None:
    rows = rows_after("### Pools and windows")
    assert [code(row[0])[0] for row in rows] == list(KEYS_OF)
    for row in rows:
        keys = KEYS_OF[code(row[0])[0]]
        assert all(f"`{key}" in "|".join(row) for key in keys)


def test_the_table_of_sections_lists_every_section() -> None:
    sections = {code(row[0])[0] for row in rows_after("## Sections")}
    known = {*Document.__struct_fields__} - {"topology", "overrides", "source", "version"}
    assert sections == known | {"identities", "workloads", "scopes", "agents"}


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_a_valid_policy_file(
    load_policy: Callable[..., Any], example: str
) -> None:
    assert load_policy(example).version
