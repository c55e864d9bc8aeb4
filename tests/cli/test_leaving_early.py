"""Who is told to stop while it starts stops, and calls it no failure."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ratelord_core.leaving import leaves_when_told

EARLY = """
import os, signal, sys

class Early:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGTERM)

sys.meta_path.insert(0, Early())
from ratelord_core.cli.app import run
sys.exit(run(sys.argv[2:]))
"""
"""Sends itself the signal at the moment when it begins to load a module."""


@pytest.mark.parametrize(
    ("loading", "words"),
    [
        ("ratelord_core.daemon", ["up", "--port", "0"]),
        ("ratelord_proxy.serving", ["proxy", "--provider", "openai", "--listen", "127.0.0.1:0"]),
        ("ratelord_mcp.verbs.serving", ["mcp", "--no-start"]),
        ("ratelord_mcp.gateway.serving", ["mcp", "wrap", "--no-start", "--", "true"]),
    ],
    ids=["up", "proxy", "mcp", "wrap"],
)
def test_a_server_that_is_told_to_stop_while_it_loads_leaves_with_0(
    loading: str, words: list[str], tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", EARLY, loading, *words],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        cwd=tmp_path,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout == b""
    assert b"Traceback" not in done.stderr


def test_who_interrupts_a_command_while_it_loads_sees_no_traceback(tmp_path: Path) -> None:
    early = EARLY.partition("from ratelord_core")[0].replace("SIGTERM", "SIGINT")
    # Started in the background of a script, these tests inherit that it is ignored.
    heard = "signal.signal(signal.SIGINT, signal.default_int_handler)"
    script = f"{early}\n{heard}\nfrom ratelord_core.cli import main\nmain()"
    done = subprocess.run(
        [sys.executable, "-c", script, "cyclopts"],
        capture_output=True,
        cwd=tmp_path,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def test_what_the_signal_meant_before_it_means_again_after() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as left, leaves_when_told():
        os.kill(os.getpid(), signal.SIGTERM)
    assert left.value.code == 0
    assert signal.getsignal(signal.SIGTERM) == before
