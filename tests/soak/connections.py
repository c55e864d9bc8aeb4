"""What ten thousand connections cost a daemon, and how those fare who ask meanwhile.

``python tests/soak/connections.py --connections 10000`` opens them, lets each ask once, leaves them
resting, and asks over one more. It prints figures and fails only if the daemon refuses or is gone.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from asking import Line

from ratelord_core.testing.daemon_process import DaemonProcess

ASKED = {"agent_id": "a", "identity_id": "i", "workload_id": "w", "scope_id": "s"}


def main(arguments: list[str]) -> int:
    """Open, ask, look, tell."""
    parser = argparse.ArgumentParser(prog="connections", description=__doc__)
    parser.add_argument("--connections", type=int, default=10_000)
    options = parser.parse_args(arguments)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as name, DaemonProcess(Path(name), policy="") as daemon:
        return asyncio.run(_measure(daemon, options.connections))


async def _measure(daemon: DaemonProcess, count: int) -> int:
    lone = await Line.to(daemon.url)
    await _asked(lone, 200)
    before, quiet = _resident(daemon.pid), await _asked(lone, 200)
    lines: list[Line] = []
    for _ in range(count // 100):
        lines += await asyncio.gather(*(Line.to(daemon.url) for _ in range(100)))
    opened, among = _resident(daemon.pid), await _asked(lone, 200)
    statuses: list[int] = []
    for at in range(0, len(lines), 100):
        replies = [line.post("/v1/intent", ASKED) for line in lines[at : at + 100]]
        statuses += [status for status, _ in await asyncio.gather(*replies)]
    asked = _resident(daemon.pid)
    for line in lines:
        line.close()
    await asyncio.sleep(2)
    closed = _resident(daemon.pid)
    print(
        f"{len(lines)} connections: {before} KB resident before, {opened} open "
        f"({(opened - before) / len(lines):.1f} KB each), {asked} after each asked once, "
        f"{closed} after they hung up"
    )
    print(f"p50 and p99 of a lone asker, ms: {_told(quiet)} before, {_told(among)} among them")
    return 0 if statuses == [200] * len(lines) else 1


async def _asked(line: Line, times: int) -> list[float]:
    spans = []
    for _ in range(times):
        began = time.perf_counter()
        await line.post("/v1/intent", ASKED)
        spans.append(time.perf_counter() - began)
    return spans


def _told(spans: list[float]) -> str:
    return f"{median(spans) * 1000:.1f} and {sorted(spans)[int(len(spans) * 0.99)] * 1000:.1f}"


def _resident(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise LookupError(f"process {pid} has no size")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
