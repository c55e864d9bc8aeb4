"""What ``ratelord proxy`` adds to a call: beside a direct one, and a proxy that asks nobody.

Alone: ``python tests/bench/passing_on.py``.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from load import find_wrk
from measure import Contender, Rounds, interleave
from servers import cpu_seconds, floor
from table import Row, show

from ratelord_core.testing.daemon_process import DaemonProcess

FLOORS = Path(__file__).parent / "passing_floors.py"
POLICY = (
    "providers: {openai: [{id: openai, mode: manual, models: {gpt-x: {requests: 1000000000}}}]}"
)
CALL = "/v1/chat/completions"
ASK = {"model": "gpt-x", "messages": [{"role": "user", "content": "one"}], "max_tokens": 5}
JSON = {"Content-Type": "application/json"}
STREAMS = 40
"""Streams of each way in a round."""


def rows(folder: Path, rounds: int) -> list[Row]:
    """The figures of this part."""
    with _ways(folder) as (ways, daemon):
        alone = interleave(ways, 1, rounds)
        began = cpu_seconds(daemon)
        eight = interleave(ways, 8, rounds)
        asked = (cpu_seconds(daemon) - began) * 1000 / max(1, eight.answered("proxy"))
        streams = _streams(ways, rounds)
    refused = sum(told.refused("proxy") for told in (alone, eight))
    if refused:
        raise SystemExit(f"bench: {refused} calls through the proxy were not answered with 2xx")
    return [*_call_rows(alone, eight, asked), *_stream_rows(streams)]


@contextmanager
def _ways(folder: Path) -> Iterator[tuple[dict[str, Contender], int]]:
    """Direct, through the floor, through the proxy; and the process id of the daemon."""
    body = json.dumps(ASK)
    with (
        floor("provider", "", FLOORS) as (upstream, provider),
        floor("passing", upstream, FLOORS) as (bare, passing),
        DaemonProcess(folder, policy=POLICY) as daemon,
        _proxy(upstream, daemon.url) as (url, proxy),
    ):
        yield (
            {
                "direct": Contender(upstream + CALL, provider, body),
                "floor": Contender(bare + CALL, passing, body),
                "proxy": Contender(url + CALL, proxy, body),
            },
            daemon.pid,
        )


@contextmanager
def _proxy(upstream: str, daemon: str) -> Iterator[tuple[str, int]]:
    words = ["proxy", "--provider", "openai", "--listen", "127.0.0.1:0", "--upstream", upstream]
    process = subprocess.Popen(
        [sys.executable, "-m", "ratelord_core.cli", *words, "--json"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=os.environ | {"RATELORD_URL": daemon},
    )
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["listening"], process.pid
    finally:
        process.terminate()
        process.wait(timeout=60)


def _call_rows(alone: Rounds, eight: Rounds, asked: float) -> list[Row]:
    cpu = eight.ratio("proxy", "floor", "cpu")
    return [
        Row("call through the proxy, p50 ÷ bare proxy's, 1 in flight", alone.ratio("proxy", "floor", "p50")),
        Row("calls/s through the proxy ÷ bare proxy's, 8 in flight", eight.ratio("proxy", "floor", "rate")),
        Row("CPU of the proxy per call ÷ bare proxy's, 8 in flight", cpu),
        *(
            Row(f"for scale: {name}, p50 of a call in ms, {count} in flight", told.value(name, "p50") / 1000)
            for count, told in ((1, alone), (8, eight))
            for name in ("direct", "floor", "proxy")
        ),
        *(
            Row(f"for scale: {name}, CPU ms per call, 8 in flight", eight.value(name, "cpu") / 1000)
            for name in ("direct", "floor", "proxy")
        ),
        Row("for scale: the daemon's CPU ms per call through the proxy", asked),
    ]  # fmt: skip


def _streams(ways: Mapping[str, Contender], rounds: int) -> dict[str, list[float]]:
    """By way, the median milliseconds of each round until the first byte of a stream's body."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, way in ways.items():
            found[name].append(median(_first_bytes(way.url, STREAMS)))
    return {name: each[1:] for name, each in found.items()}


def _first_bytes(url: str, count: int) -> Iterator[float]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    body = json.dumps({**ASK, "stream": True})
    for _ in range(count):
        began = time.perf_counter()
        connection.request("POST", parts.path, body, JSON)
        answer = connection.getresponse()
        answer.read1(1)
        yield (time.perf_counter() - began) * 1000
        assert answer.read().endswith(b"data: [DONE]\n\n"), url
    connection.close()


def _stream_rows(streams: Mapping[str, list[float]]) -> list[Row]:
    pairs = zip(streams["proxy"], streams["floor"], strict=True)
    ratio = median(proxy / bare for proxy, bare in pairs)
    return [
        Row("first byte of a stream ÷ bare proxy's", ratio),
        *(Row(f"for scale: {name}, first byte in ms", median(streams[name])) for name in streams),
    ]


if __name__ == "__main__":
    find_wrk()
    with tempfile.TemporaryDirectory() as place:
        print(show(rows(Path(place), int(sys.argv[1]) if sys.argv[1:] else 5)))
