"""How fast, as ratios to floors that are measured in the same run: ``tox -e bench``.

Exits 0 whatever the figures are, 1 if ledger and log disagree after the load, 2 if the load cannot
be made.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import in_process
import lasting
import looking_back
import passing_on
from agreement import disagreements
from load import find_wrk
from measure import Contender, Rounds, interleave
from servers import floor
from table import Row, show
from workload import batch, intent, policy, tool_call, tool_headers

from ratelord_core.testing.daemon_process import DaemonProcess

BATCH = 16
RULES = 2
"""Over HTTP a small policy: what many rules cost is measured in process."""


def main(arguments: list[str]) -> int:
    """Measure, compare, print, write."""
    options = _options(arguments)
    find_wrk()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        rows, wrong = _over_http(Path(name), options.rounds)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        rows += passing_on.rows(Path(name), max(3, options.rounds // 2))
    rows += in_process.rows(quick=options.quick)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        rows += lasting.rows(Path(name), quick=options.quick)
        rows += looking_back.rows(Path(name), quick=options.quick)
    print(show(rows))
    options.json.write_text(
        json.dumps(
            {"rows": [row.plain() for row in rows], "rounds": options.rounds, "wrong": wrong},
            indent=2,
        ),
        encoding="utf-8",
    )
    print(f"written to {options.json}")
    for sentence in wrong:
        print(f"bench: ledger and log disagree: {sentence}", file=sys.stderr)
    return 1 if wrong else 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="rounds of one second each")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions in process")
    parser.add_argument("--json", type=Path, default=Path("bench.json"), help="where to write")
    parser.add_argument(
        "--folder", type=Path, default=Path.cwd(), help="on the disk that is to be measured"
    )
    return parser.parse_args(arguments)


def _over_http(folder: Path, rounds: int) -> tuple[list[Row], list[str]]:
    daemon = DaemonProcess(folder, policy=policy(RULES))
    file = str(folder / "floor.bin")
    with (
        daemon,
        floor("echo", file) as (echo, echo_pid),
        floor("durable", file) as (durable, durable_pid),
    ):
        one = {
            "E": Contender(f"{echo}/v1/intent", echo_pid, intent()),
            "D": Contender(f"{durable}/v1/intent", durable_pid, intent()),
            "ratelord": Contender(f"{daemon.url}/v1/intent", daemon.pid, intent()),
        }
        many = {
            "E": one["E"],
            "ratelord": Contender(f"{daemon.url}/v1/intents/batch", daemon.pid, batch(BATCH)),
        }
        tools = _tools(one, f"{daemon.url}/mcp")
        by_connections = {count: interleave(one, count, rounds) for count in (64, 16, 1)}
        batches = interleave(many, 4, max(3, rounds // 3))
        called = interleave(tools, 16, max(3, rounds // 2))
        answered = sum(told.answered("ratelord") for told in by_connections.values())
        answered += BATCH * batches.answered("ratelord")
        asking = ("ratelord", "library", "HTTP")
        answered += sum(called.answered(name) for name in asking)
        # Whoever is asked on a connection when its second ends is not counted as answered.
        in_flight = sum(count * told.times("ratelord") for count, told in by_connections.items())
        in_flight += 4 * BATCH * batches.times("ratelord")
        in_flight += 16 * sum(called.times(name) for name in asking)
        wrong, told = disagreements(daemon.db, daemon.url, answered, in_flight)
    refused = sum(told.refused("ratelord") for told in (*by_connections.values(), called))
    if refused:
        wrong.append(f"{refused} requests were refused or broke off")
    rows = [*_rows(by_connections), *_batch_rows(batches, by_connections[64]), *_tool_rows(called)]
    return [
        *rows,
        Row("bytes per decision in the log, both events", told.bytes_each, "<=", 500),
    ], wrong


def _rows(told: dict[int, Rounds]) -> list[Row]:
    at64, at16, at1 = told[64], told[16], told[1]
    return [
        Row(
            "durable intents/s ÷ D, 64 connections", at64.ratio("ratelord", "D", "rate"), ">=", 0.85
        ),
        Row(
            "durable intents/s ÷ D, 16 connections", at16.ratio("ratelord", "D", "rate"), ">=", 0.75
        ),
        Row(
            "durable intents/s ÷ E, 64 connections", at64.ratio("ratelord", "E", "rate"), ">=", 0.60
        ),
        Row("p50 ÷ D's p50, 1 connection", at1.ratio("ratelord", "D", "p50"), "<=", 1.3),
        Row("p99 ÷ D's p99, 16 connections", at16.ratio("ratelord", "D", "p99"), "<=", 2.0),
        Row("p99 ÷ D's p99, 64 connections", at64.ratio("ratelord", "D", "p99"), "<=", 2.0),
        Row("CPU per intent ÷ CPU per echo, 64", at64.ratio("ratelord", "E", "cpu"), "<=", 1.8),
        Row("for scale: E, requests/s, 64", at64.value("E", "rate")),
        Row("for scale: D, requests/s, 64", at64.value("D", "rate")),
        Row("for scale: durable intents/s, 64", at64.value("ratelord", "rate")),
        Row("p99 of an intent in ms, 1 connection", at1.value("ratelord", "p99") / 1000, "<=", 10),
    ]


def _batch_rows(batches: Rounds, at64: Rounds) -> list[Row]:
    intents = BATCH * batches.value("ratelord", "rate")
    echo = at64.value("E", "rate")
    return [Row(f"batches of {BATCH}, 4 connections, intents/s ÷ E", intents / echo, ">=", 2.5)]


def _tools(one: dict[str, Contender], mcp: str) -> dict[str, Contender]:
    """A model's question, as most clients send it; as one does that the express lane leaves to the
    protocol's library; and the same question over HTTP."""
    echo, ours = one["E"], one["ratelord"]
    unusual = tool_headers(Accept="*/*")
    return {
        "E": Contender(echo.url, echo.pid, tool_call()),
        "ratelord": Contender(mcp, ours.pid, tool_call(), tool_headers()),
        "library": Contender(mcp, ours.pid, tool_call(), unusual),
        "HTTP": ours,
    }


def _tool_rows(called: Rounds) -> list[Row]:
    rate = called.ratio("ratelord", "E", "rate")
    return [
        Row("ask_intent over MCP, calls/s ÷ E, 16 in flight", rate, ">=", 0.35),
        Row("for scale: ÷ POST /v1/intent", called.ratio("ratelord", "HTTP", "rate")),
        Row("for scale: through the library ÷ E", called.ratio("library", "E", "rate")),
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
