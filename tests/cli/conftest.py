"""The command line in this process, against a scripted daemon or none."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ratelord_core.cli.app import run
from ratelord_core.testing.scripted_daemon import ScriptedDaemon


@pytest.fixture
def daemon(scripted_daemon: ScriptedDaemon) -> ScriptedDaemon:
    """The daemon that the tests of this folder talk to."""
    return scripted_daemon


class Ran(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its output, which is JSON."""
        return json.loads(self.out)


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("RATELORD_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("USER", "rmax")
    monkeypatch.setenv("LOGNAME", "rmax")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def ratelord(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run a command."""

    def command(*words: str) -> Ran:
        code = run(words)
        return Ran(code, *capsys.readouterr())

    return command


@pytest.fixture
def here(daemon: ScriptedDaemon, monkeypatch: pytest.MonkeyPatch) -> ScriptedDaemon:
    """The scripted daemon, where commands will find it."""
    monkeypatch.setenv("RATELORD_URL", daemon.url)
    return daemon
