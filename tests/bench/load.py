"""Load from another process: ``wrk`` for a second, and what it saw."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).parent / "post.lua"
MISSING = "wrk is not installed; on Debian and Ubuntu: apt-get install wrk"


class NoLoad(SystemExit):
    """The load cannot be made; the message says what to install."""


@dataclass(frozen=True)
class Seen:
    """What one slice of load saw. Latencies in µs; ``answered`` counts 2xx only."""

    answered: int
    refused: int
    seconds: float
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.answered / self.seconds


def find_wrk() -> str:
    """Where ``wrk`` is; without it there is no benchmark."""
    path = shutil.which("wrk")
    if path is None:
        raise NoLoad(MISSING)
    return path


def one_slice(
    url: str, body: str, connections: int, headers: Mapping[str, str], seconds: int = 1
) -> Seen:
    """POST the body over so many kept-alive connections for so long."""
    done = subprocess.run(
        [
            find_wrk(),
            "--threads=1",
            f"--connections={connections}",
            f"--duration={seconds}s",
            "--timeout=5s",
            f"--script={SCRIPT}",
            url,
            "--",
            body,
            *(word for header in headers.items() for word in header),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 30,
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("{"))
    told = json.loads(line)
    failed = told["status"] + told["connect"] + told["read"] + told["write"] + told["timeout"]
    return Seen(
        answered=told["requests"] - told["status"],
        refused=failed,
        seconds=told["duration"] / 1e6,
        p50=told["p50"],
        p99=told["p99"],
    )
