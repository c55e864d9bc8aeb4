"""A client that reads nothing any more, and does not hang up: ``ratelord mcp`` leaves all the same."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_core.testing.desk import Desk, patiently
from ratelord_mcp.writer import Writer

POLICY = "pools: [{id: team/requests, limit: 1000, window: {kind: fixed, every: 1h}}]"
HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "deaf", "version": "1"},
}
NAMES = {"agent_id": "a", "identity_id": "pat:me", "workload_id": "scan", "scope_id": "global"}


@pytest.fixture
def full() -> Iterator[tuple[int, int]]:
    """Both ends of a pipe that takes no byte more."""
    source, sink = os.pipe()
    os.set_blocking(sink, False)
    for piece in (b"x" * 4096, b"x"):
        try:
            while True:
                os.write(sink, piece)
        except BlockingIOError:
            continue
    os.set_blocking(sink, True)
    yield source, sink
    os.close(source)
    os.close(sink)


def test_told_to_stop_it_does_not_wait_for_its_reader(
    full: tuple[int, int], environment: dict[str, str], tmp_path: Path
) -> None:
    said = [
        {"id": 1, "method": "initialize", "params": HELLO},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": {"name": "ask_intent", "arguments": NAMES}},
    ]
    with DaemonProcess(tmp_path, policy=POLICY) as daemon:
        words = [sys.executable, "-m", "ratelord_core.cli", "mcp", "--url", daemon.url]
        with subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=full[1], stderr=subprocess.PIPE, env=environment
        ) as process:
            assert process.stdin is not None
            assert process.stderr is not None
            for message in said:
                process.stdin.write(json.dumps({"jsonrpc": "2.0"} | message).encode() + b"\n")
            process.stdin.flush()
            patiently(lambda: len(Desk(daemon).decided()) == 1)

            process.send_signal(signal.SIGTERM)
            try:
                assert process.wait(30) == 0
            finally:
                process.kill()
            assert process.stderr.read() == b""


def test_pieces_are_written_whole_and_in_order_whoever_goes_meanwhile(
    full: tuple[int, int],
) -> None:
    source, sink = full

    async def write() -> None:
        writer = Writer(sink)
        left = asyncio.ensure_future(writer.write(b"first\n"))
        await asyncio.sleep(0)
        left.cancel()
        staying = asyncio.ensure_future(writer.write(b"second\n"))
        found = b""
        while not found.endswith(b"second\n"):
            found = (found + await asyncio.to_thread(os.read, source, 65_536))[-64:]
        await staying
        assert found.endswith(b"xfirst\nsecond\n")

    asyncio.run(write())


def test_whoever_writes_to_nobody_is_told() -> None:
    source, sink = os.pipe()
    os.close(source)
    with pytest.raises(BrokenPipeError):
        asyncio.run(Writer(sink).write(b"anything"))
    os.close(sink)
