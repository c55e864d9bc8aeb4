"""How long ``ratelord mcp`` and its relatives wait for the daemon, as ``RATELORD_TIMEOUT`` says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ratelord.connection import resolve
from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_core.testing.held_wire import HeldWire
from ratelord_mcp.bridge.line import LONGEST, Line


def test_a_daemon_that_says_nothing_is_left_when_the_variable_says(
    spawn: Any, daemon: DaemonProcess
) -> None:
    with HeldWire(daemon.url) as wire:
        host = spawn("--url", wire.url, RATELORD_TIMEOUT="0.5")
        host.greet()
        host.call("check_usage")
        wire.hold()

        denied = host.ask()

        assert (denied["decision"], denied["reason_code"]) == (
            "deny_with_reason",
            "daemon_unreachable",
        )
        wire.let_go()
        assert host.hang_up() == 0


@pytest.mark.parametrize(
    ("said", "counts"), [("0.25", 0.25), ("18", LONGEST), ("3600", LONGEST), (None, 5.0)]
)
def test_no_tool_blocks_for_twenty_seconds_whatever_is_said(
    said: str | None, counts: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RATELORD_TIMEOUT", raising=False)
    if said is not None:
        monkeypatch.setenv("RATELORD_TIMEOUT", said)
    line = Line(lambda: resolve("http://127.0.0.1:9"))

    assert line.look(lambda client: client.timeout) == counts


@pytest.mark.parametrize(
    "words", [("mcp",), ("mcp", "wrap", "--", "cat"), ("hook", "pre-tool-use")]
)
def test_what_is_no_time_is_said_at_once_in_one_line(
    words: tuple[str, ...], environment: dict[str, str], tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ratelord_core.cli", *words],
        input='{"tool_name":"Bash","tool_input":{},"hook_event_name":"PreToolUse"}\n',
        env=environment | {"RATELORD_TIMEOUT": "soon", "RATELORD_URL": "http://127.0.0.1:9"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("ratelord: RATELORD_TIMEOUT 'soon' is no time")
    assert len(done.stderr.splitlines()) == 1
