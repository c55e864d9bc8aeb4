"""What the pages on providers tell to write into a policy file can be written there as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ratelord_core import parts

PAGES = sorted((Path(__file__).parents[2] / "docs" / "providers").glob("*.md"))
_BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _blocks() -> list[tuple[str, str]]:
    """Every whole policy file on these pages; parts of one are for readers."""
    found = [(page.stem, block) for page in PAGES for block in _BLOCK.findall(page.read_text())]
    return [(name, block) for name, block in found if re.match(r"(providers|policies):", block)]


@pytest.fixture(scope="module")
def installed() -> parts.Parts:
    return parts.load()


@pytest.mark.parametrize(("name", "block"), _blocks(), ids=[name for name, _ in _blocks()])
def test_an_example_is_a_policy_that_every_plugin_accepts(installed, name, block) -> None:
    assert installed.policy(block, f"{name}.md").document.providers or "policies" in block


def test_every_provider_that_comes_with_ratelord_has_an_example(installed) -> None:
    shown = {
        config.plugin
        for name, block in _blocks()
        for config in installed.policy(block, f"{name}.md").document.providers
    }
    assert shown == set(installed.providers) - {"simulated"}
