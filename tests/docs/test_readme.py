"""What the README tells people to type is typed here."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ratelord_core.testing.daemon_process import DaemonProcess

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def _after(marker: str) -> str:
    found = re.search(rf"<!-- {marker} -->\n```\w+\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    assert found is not None, f"README.md has no block after <!-- {marker} -->"
    return found[1]


def _ratelord(
    words: list[str], folder: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RATELORD_")}
    return subprocess.run(
        [sys.executable, "-m", "ratelord_core.cli", *words],
        cwd=folder,
        env=clean | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def test_the_policy_of_the_readme_is_valid(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(_after("policy"), encoding="utf-8")

    checked = _ratelord(["policy", "check", "policy.yaml"], tmp_path)

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_session_of_the_readme_goes_as_it_says(tmp_path: Path) -> None:
    shown = _after("session").splitlines()
    lines = [line.removeprefix("$ ") for line in shown if line.startswith("$ ")]
    assert lines[0] == "ratelord up &"
    assert shown[1].startswith("ratelord is listening on "), "who asks sooner is denied"

    with DaemonProcess(tmp_path, policy=_after("policy")) as daemon:
        done = [
            _ratelord(
                shlex.split(line)[1:],
                tmp_path,
                RATELORD_URL=daemon.url,
                RATELORD_DB_PATH=str(daemon.db),
            )
            for line in lines[1:]
        ]

    codes = [one.returncode for one in done]
    assert codes == [0, 0, 3, *[0] * (len(done) - 3)], [one.stdout + one.stderr for one in done]
    assert "keep-one-back" in done[2].stdout
    assert "safety" in done[2].stdout


def test_the_test_command_runs_tox() -> None:
    command = _after("command two").strip()

    assert command.endswith("tox")
    assert "\n" not in command


def test_the_first_command_shows_a_decision() -> None:
    assert _after("command one").strip().endswith("ratelord demo")


@pytest.mark.parametrize(
    "section", ["Two commands", "Ten lines to a first decision", "Where to go next", "Status"]
)
def test_the_readme_has_its_parts(section: str) -> None:
    assert f"\n## {section}\n" in README


def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = re.search(r"^```python\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    assert code is not None

    with DaemonProcess(tmp_path, policy=_after("policy")) as daemon:
        monkeypatch.setenv("RATELORD_URL", daemon.url)
        names: dict[str, object] = {}
        exec(code[1], names)  # what people are shown, as they would run it

    assert getattr(names["answer"], "allowed", False)
