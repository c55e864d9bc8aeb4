"""``ratelord plugin new``: every kind of project is whole, and its tests pass at once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ratelord_core.cli.app import run
from ratelord_core.cli.scaffold.kinds import KINDS
from ratelord_core.hookspecs import __dict__ as hooks


def _installed(root: Path) -> None:
    """What an installer would leave: the metadata beside the package."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = root / "src" / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(metadata, encoding="utf-8")
    points = [f"{name} = {target}" for name, target in project["entry-points"]["ratelord"].items()]
    (info / "entry_points.txt").write_text("\n".join(["[ratelord]", *points]), encoding="utf-8")


@pytest.mark.timeout(600)
def test_the_tests_of_new_projects_pass_at_once(tmp_path: Path):
    for kind in KINDS:
        assert run(["plugin", "new", f"my-{kind}", "--kind", kind, "--into", str(tmp_path)]) == 0
        _installed(tmp_path / f"ratelord-my-{kind}")
    sources = [str(root / "src") for root in tmp_path.iterdir()]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COVERAGE"))}
    environment |= {"PYTHONPATH": os.pathsep.join(sources), "PYTHONDONTWRITEBYTECODE": "1"}
    options = ["-q", "-W", "error", "-p", "no:cacheprovider", "--import-mode=importlib"]

    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *sorted(tmp_path.iterdir())],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_of_a_hook_that_there_is(kind: str):
    assert KINDS[kind].hook in hooks


def test_every_command_of_a_readme_is_the_environments_own(tmp_path: Path):
    for kind in KINDS:
        assert run(["plugin", "new", f"my-{kind}", "--kind", kind, "--into", str(tmp_path)]) == 0
        readme = (tmp_path / f"ratelord-my-{kind}" / "README.md").read_text(encoding="utf-8")
        shells = "\n".join(re.findall(r"```sh\n(.*?)```", readme, re.DOTALL))

        named = re.findall(r"\S*\bratelord (?=[a-z])", shells)

        assert set(named) == {".venv/bin/ratelord "}


def test_what_was_written_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    arguments = ["plugin", "new", "ratelord-x", "--kind", "verb", "--into", str(tmp_path), "--json"]

    assert run(arguments) == 0

    said = json.loads(capsys.readouterr().out)
    assert said["project"] == str(tmp_path / "ratelord-x")
    assert all(Path(file).is_file() for file in said["files"])
    assert str(tmp_path / "ratelord-x" / "README.md") in said["files"]


def test_nothing_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "ratelord-x").mkdir()

    assert run(["plugin", "new", "x", "--kind", "verb", "--into", str(tmp_path)]) == 1

    assert "is there already" in capsys.readouterr().err
    assert not list((tmp_path / "ratelord-x").iterdir())


@pytest.mark.parametrize("name", ["Acme", "a b", "../x", "1x", "x-", "class", "", "a" * 41, "ä"])
def test_a_name_that_cannot_be_one_is_refused(name: str, tmp_path: Path, capsys):
    assert run(["plugin", "new", name, "--kind", "verb", "--into", str(tmp_path)]) == 2
    assert "cannot be a plugin's name" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_an_unknown_kind_is_refused_with_those_that_there_are(tmp_path: Path, capsys):
    assert run(["plugin", "new", "x", "--kind", "bird", "--into", str(tmp_path)]) == 2
    assert "action, behavior, controller" in capsys.readouterr().err


def test_help_names_every_kind(capsys):
    assert run(["plugin", "new", "--help"]) == 0
    said = capsys.readouterr().out
    assert [kind for kind in KINDS if kind not in said] == []
