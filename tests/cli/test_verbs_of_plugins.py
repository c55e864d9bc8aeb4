"""Verbs that plugins bring, in a fresh interpreter: what is installed is part of the question."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from cyclopts import App

from ratelord_core.cli import verbs
from ratelord_core.cli.app import build

PLUGIN = """
from ratelord_core import hookimpl
from ratelord_core.verb import Verb

@hookimpl
def ratelord_register_verbs():
    return [
        Verb("weather", "Say how the pools will be.", "office_hours.verbs:weather", "Look"),
        Verb("ask", "Something else.", "office_hours.verbs:weather"),
    ]
"""
VERBS = """
print("loaded")

def weather(place: str) -> int:
    if place == "nowhere":
        raise ValueError("nowhere has no weather; name a place")
    print(f"fine in {place}")
    return 3
"""


@pytest.fixture
def office_hours(tmp_path: Path) -> Path:
    """A folder with an installed plugin."""
    package = tmp_path / "site" / "office_hours"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "plugin.py").write_text(PLUGIN)
    (package / "verbs.py").write_text(VERBS)
    info = tmp_path / "site" / "office_hours-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: office_hours\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[ratelord]\noffice-hours = office_hours.plugin\n")
    return tmp_path / "site"


def _ratelord(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ratelord_core.cli", *words],
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def test_a_plugin_s_verb_is_run_and_its_exit_code_kept(office_hours):
    ran = _ratelord(office_hours, "weather", "Madrid")
    assert (ran.returncode, ran.stdout) == (3, "loaded\nfine in Madrid\n")


def test_what_a_plugin_s_verb_raises_is_one_line(office_hours):
    ran = _ratelord(office_hours, "weather", "nowhere")
    assert ran.returncode == 2
    assert ran.stderr == "ratelord: nowhere has no weather; name a place\n"


def test_the_help_lists_the_built_in_verbs_beside_those_of_plugins(office_hours):
    told = _ratelord(office_hours, "--help").stdout

    assert all(f"│ {verb} " in told for verb in ("ask", "demo", "up", "mcp", "sim"))


def test_the_help_lists_the_verb_without_loading_its_code(office_hours):
    ran = _ratelord(office_hours, "--help")
    assert "Say how the pools will be." in ran.stdout
    assert "loaded" not in ran.stdout


def test_a_verb_of_ours_cannot_be_taken_and_the_fault_is_told(office_hours):
    assert "Something else." not in _ratelord(office_hours, "--help").stdout
    ran = _ratelord(office_hours, "wether")
    assert ran.returncode == 2
    assert "plugin office-hours: there already is a verb 'ask'" in ran.stderr


def test_a_broken_plugin_takes_only_its_own_verbs_with_it(office_hours):
    (office_hours / "office_hours" / "plugin.py").write_text("import nothing_of_that_name\n")
    assert "Serve MCP" in _ratelord(office_hours, "--help").stdout
    ran = _ratelord(office_hours, "weather", "Madrid")
    assert ran.returncode == 2
    assert "plugin office-hours: load failed" in ran.stderr
    assert "--without office-hours" in ran.stderr


def test_the_mcp_door_brings_its_verbs_through_ratelord_register_verbs():
    assert {"mcp", "hook"} <= set(build())


@pytest.mark.parametrize("name", [module.name for module in iter_modules(verbs.__path__)])
def test_a_verb_is_the_name_of_its_module(name):
    app = App(help_flags=[], version_flags=[])
    import_module(f"{verbs.__name__}.{name}").register(app)
    assert list(app) == [name]


def test_only_the_verb_that_is_typed_is_loaded():
    assert [name for name in build(["status"]) if not name.startswith("-")] == ["status"]
