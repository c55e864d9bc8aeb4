"""The five minutes of the MCP tutorial, typed as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ratelord_core.testing.daemon_process import DaemonProcess

PAGE = (Path(__file__).parents[2] / "docs" / "mcp-tutorial.md").read_text(encoding="utf-8")


def after(marker: str) -> str:
    """The block that follows a marker."""
    found = re.search(
        rf"<!-- {marker} -->\n(?:<!---.*?--->\n)?```\w+\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE
    )
    assert found is not None, f"the page has no block after <!-- {marker} -->"
    return found[1]


class Reader:
    """Somebody who types what stands there, in a folder beside a running daemon."""

    def __init__(self, daemon: DaemonProcess) -> None:
        self.folder = daemon.folder
        clean = {key: value for key, value in os.environ.items() if not key.startswith("RATELORD_")}
        self._environment = clean | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{clean['PATH']}",
            "HOME": str(daemon.folder),
            "RATELORD_URL": daemon.url,
            "RATELORD_DB_PATH": str(daemon.db),
        }

    def types(self, marker: str) -> str:
        """Type a block; all of it must succeed; what was printed."""
        done = subprocess.run(
            ["sh", "-e", "-c", after(marker)],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Somebody who has the daemon running."""
    assert after("daemon") == "ratelord up &\n"
    folder = tmp_path_factory.mktemp("tutorial")
    with DaemonProcess(folder, policy=after("policy")) as daemon:
        yield Reader(daemon)


def test_the_agent_waits_its_turn_and_obeys_a_no(reader: Reader) -> None:
    (reader.folder / "agent.py").write_text(after("agent"), encoding="utf-8")

    story = reader.types("run")

    figures = re.compile(r"\d+(\.\d+)? s\b|\d+ of")
    assert figures.sub("#", story) == figures.sub("#", after("story"))
    looked = reader.types("look")
    assert "search/api" in looked
    assert looked.count("intent_decided") >= 4


def test_a_host_and_its_agent_are_set_up(reader: Reader) -> None:
    reader.types("host")

    assert "ratelord" in (reader.folder / ".mcp.json").read_text(encoding="utf-8")
    assert "ask_intent" in (reader.folder / "AGENTS.md").read_text(encoding="utf-8")


def test_it_installs_as_the_readme_does() -> None:
    assert "pip install ." in after("install")
