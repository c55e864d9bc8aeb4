"""What the proxy adds to a call, against a direct one."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx2

from ratelord_core.testing.desk import desks
from ratelord_core.testing.enforcing import EnforcingOpenai
from ratelord_core.testing.loopback import LoopbackServer

POLICY = "providers: {openai: [{id: openai, mode: manual, models: {gpt-x: {requests: 1000000}}}]}"
ASK = {"model": "gpt-x", "messages": [{"role": "user", "content": "one"}], "max_tokens": 5}


def milliseconds(url: str, calls: int = 300) -> list[float]:
    """How long each call takes, one after another, after some that warm up."""
    taken = []
    with httpx2.Client() as client:
        for number in range(calls + 20):
            before = time.perf_counter()
            client.post(f"{url}/v1/chat/completions", json=ASK).raise_for_status()
            if number >= 20:
                taken.append((time.perf_counter() - before) * 1000)
    return taken


def main() -> None:
    """Print medians and 95th percentiles."""
    api = EnforcingOpenai(requests=10_000_000, tokens=1_000_000_000)
    with (
        tempfile.TemporaryDirectory() as folder,
        LoopbackServer(api) as server,
        desks(Path(folder), POLICY) as begin,
    ):
        words = ["proxy", "--provider", "openai", "--listen", "127.0.0.1:0"]
        process = subprocess.Popen(
            [sys.executable, "-m", "ratelord_core.cli", *words, "--upstream", server.url],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"RATELORD_URL": begin().daemon.url},
        )
        assert process.stdout is not None
        url = process.stdout.readline().rsplit(" ", 1)[1].strip()
        for name, place in (("direct", server.url), ("proxy", url)):
            taken = milliseconds(place)
            slow = statistics.quantiles(taken, n=20)[-1]
            print(f"{name}: median {statistics.median(taken):.2f} ms, p95 {slow:.2f} ms")
        process.terminate()
        process.wait(20)


if __name__ == "__main__":
    main()
