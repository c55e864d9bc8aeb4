"""The page about the command line is made from the code, and leaves nothing out."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from ratelord_core.cli.app import build

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def reference():
    pytest.importorskip("sphinx", reason="installed where the documentation is built: tox -e docs")
    spec = importlib.util.spec_from_file_location("verbs", DOCS / "_ext" / "verb_reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_shows_the_verbs_and_sphinx_knows_how():
    assert "```{verbs}" in (DOCS / "cli.md").read_text(encoding="utf-8")
    assert '"verb_reference"' in (DOCS / "conf.py").read_text(encoding="utf-8")


def test_every_verb_is_shown_with_what_it_and_each_argument_does(reference):
    shown = {name: reference.markdown_of(name, verb) for name, verb in reference.verbs_of(build())}
    assert {"up", "demo", "ask", "report", "events", "events verify", "identity add"} <= set(shown)
    assert not [
        name for name, text in shown.items() if text.startswith(f"## `ratelord {name}`\n\n\n")
    ]
    assert not [
        line for text in shown.values() for line in text.splitlines() if line.endswith("|  |")
    ]


def test_the_page_knows_every_exit_code():
    from ratelord_core.cli import outcome

    page = (DOCS / "cli.md").read_text(encoding="utf-8")
    for code in (outcome.DONE, outcome.FAILED, outcome.USAGE, outcome.DENIED, outcome.UNREACHABLE):
        assert f"| {code} |" in page
