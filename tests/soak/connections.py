"""What ten thousand connections cost a daemon, how those fare who ask meanwhile, and what is said to
those for whom there is no room.

``python tests/soak/connections.py --connections 10000`` opens them from many loopback addresses (one
has no more than 28,000 ports), lets each ask several times, and asks over one more. Then another
program locks the log for a moment, so that questions wait until their queue is full. It prints figures;
it fails if an answer is missing, if the daemon grows while the connections only ask, or if others
than the least urgent are turned away first.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sqlite3
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from asking import Line

from ratelord_core.testing.daemon_process import DaemonProcess

ASKED = {"agent_id": "a", "identity_id": "i", "workload_id": "w", "scope_id": "s"}
ROOM = 1000
"""Questions that may wait."""
CROWD = (("background", 800, 750), ("normal", 200, 150), ("high", 150, 100))
"""Who asks when nothing can be answered: how many of them, and how many of those are let in."""
MOST_GROWTH = 0.5
"""KB for each connection between two rounds of questions that hold nothing."""


def main(arguments: list[str]) -> int:
    """Open, ask, look, tell."""
    parser = argparse.ArgumentParser(prog="connections", description=__doc__)
    parser.add_argument("--connections", type=int, default=10_000)
    options = parser.parse_args(arguments)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    environment = {"RATELORD_MAX_WAITING": str(ROOM), "RATELORD_IDLE_TIMEOUT": "600"}
    with (
        tempfile.TemporaryDirectory() as name,
        DaemonProcess(Path(name), policy="", environment=environment) as daemon,
    ):
        wrong = asyncio.run(_measure(daemon, options.connections))
    for sentence in wrong:
        print(f"connections: {sentence}", file=sys.stderr)
    return 1 if wrong else 0


async def _measure(daemon: DaemonProcess, count: int) -> list[str]:
    lone = await Line.to(daemon.url)
    await _asked(lone, 200)
    before, quiet = _resident(daemon.pid), await _asked(lone, 200)
    lines: list[Line] = []
    for number in range(count // 100):
        here = f"127.0.1.{1 + number % 20}"
        lines += await asyncio.gather(*(Line.to(daemon.url, here) for _ in range(100)))
    opened, among = _resident(daemon.pid), await _asked(lone, 200)
    wrong: list[str] = []
    sizes = []
    for question in (ASKED, *([ASKED | {"dry_run": True}] * 4)):
        wrong += await _ask_round(lines, question)
        sizes.append(_resident(daemon.pid))
    grown = (sizes[-1] - sizes[1]) / len(lines)
    if grown > MOST_GROWTH:
        wrong.append(f"it grew by {grown:.1f} KB for each connection that asked three times more")
    print(
        f"{len(lines)} connections: {before} KB resident before, {opened} open "
        f"({(opened - before) / len(lines):.1f} KB each), {sizes[0]} after each asked once, "
        f"{', '.join(map(str, sizes[1:]))} after each further round of questions that hold nothing"
    )
    print(f"p50 and p99 of a lone asker, ms: {_told(quiet)} before, {_told(among)} among them")
    wrong += await _overload(daemon, lines, lone)
    for line in lines:
        line.close()
    await asyncio.sleep(2)
    print(f"{_resident(daemon.pid)} KB resident after they hung up")
    return wrong


async def _ask_round(lines: list[Line], question: dict[str, Any]) -> list[str]:
    statuses: list[int] = []
    for at in range(0, len(lines), 100):
        replies = [line.post("/v1/intent", question) for line in lines[at : at + 100]]
        statuses += [status for status, _ in await asyncio.gather(*replies)]
    missing = len(statuses) - statuses.count(200)
    return [f"{missing} questions were not answered with 200"] if missing else []


async def _overload(daemon: DaemonProcess, lines: list[Line], lone: Line) -> list[str]:
    """Let questions wait for a log that is locked, and see whom there is room for."""
    other = sqlite3.connect(daemon.db, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.perf_counter()
    waiting: list[tuple[str, asyncio.Task[tuple[int, Any]]]] = []
    free = iter(lines)
    for urgency, count, room in CROWD:
        question = ASKED | {"urgency": urgency}
        these = [asyncio.create_task(next(free).post("/v1/intent", question)) for _ in range(count)]
        waiting += [(urgency, task) for task in these]
        for refusal in islice(asyncio.as_completed(these), count - room):
            await refusal
    refused = await _asked(lone, 200)
    held = time.perf_counter() - began
    other.execute("ROLLBACK")
    other.close()
    answers = [(urgency, await task) for urgency, task in waiting]
    done = time.perf_counter() - began
    let_in = {urgency: 0 for urgency, _, _ in CROWD}
    for urgency, (status, _) in answers:
        let_in[urgency] += status == 200
    print(
        f"while the log was locked for {held:.1f} s: let in {let_in}, all answered after "
        f"{done:.1f} s; p50 and p99 of a refusal, ms: {_told(refused)}"
    )
    others = {status for _, (status, _) in answers} - {200, 429}
    wrong = [f"answered with {sorted(others)}"] if others else []
    if let_in != {urgency: room for urgency, _, room in CROWD}:
        wrong.append(f"let in {let_in} of {CROWD}")
    return wrong


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
