"""Whatever the published document allows or forbids, a thousand times: no surprise, no 5xx."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ratelord_core.testing.daemon_process import DaemonProcess

TOOL = Path(sys.executable).with_name("schemathesis")
CONFIG = Path(__file__).with_name("schemathesis.toml")
POLICY = """
providers:
  mock: [{id: mock, poll_interval: 1h, pools: {default: {limit: 1000000, window: {kind: fixed, every: 1h}}}}]
"""


@pytest.mark.timeout(900)  # two thousand requests, on a machine that may be busy
def test_the_daemon_answers_as_published_whatever_it_is_asked(tmp_path):
    environment = {
        "RATELORD_DEBUG": "1",
        # What begins long work is tried like the rest; none is done, which would take minutes.
        "RATELORD_BACKTEST_CONCURRENCY": "0",
        "RATELORD_SIMULATION_CONCURRENCY": "0",
    }
    with DaemonProcess(tmp_path, policy=POLICY, environment=environment) as daemon:
        document = f"{daemon.url}/openapi.json"
        done = subprocess.run(
            [TOOL, "--config-file", CONFIG, "run", document, "--seed", "1", "--no-color"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=880,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-8000:] + done.stderr
        assert daemon.running
        assert "request failed" not in daemon.log
        assert "Traceback" not in daemon.log
