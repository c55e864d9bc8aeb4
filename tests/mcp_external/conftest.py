"""Programs that others wrote, as they come from the package indexes: ``tox -e mcp`` installs them.

``RATELORD_TEST_MCP_SERVERS`` names the folder that they are in: a Python environment, Node and
``node_modules``. Without it nothing here is collected.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_core.testing.desk import Desk

PLACE = os.environ.get("RATELORD_TEST_MCP_SERVERS")
PATIENCE = 120
"""Seconds that one run of a program may take."""
POLICY = """
pools:
  - {id: cap/calls, limit: 1000, window: {kind: fixed, every: 1h}, shared_by: ["*"]}
  - {id: cap/few, limit: 1, window: {kind: fixed, every: 1h}, shared_by: ["workload:few/*"]}
"""

OUR_POLICY = """
pools:
  - {id: team/requests, limit: 1000, window: {kind: fixed, every: 1h}}
workloads: {scan: {consumes: {team/requests: 1}}}
"""

if PLACE is None:
    collect_ignore_glob = ["test_*.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the programs said of us, a line each."""
    lines = [
        line
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, ())
        for name, line in report.user_properties
        if name == "said"
    ]
    if lines:
        terminalreporter.section("what others say of the MCP door")
    for line in lines:
        terminalreporter.line(line)


@pytest.fixture(scope="session")
def installed() -> Path:
    """Where the programs are; skips if they could not be fetched."""
    assert PLACE is not None
    unreachable = Path(PLACE) / "unreachable"
    if unreachable.exists():
        pytest.skip(f"not installed: {unreachable.read_text(encoding='utf-8')}")
    return Path(PLACE)


@pytest.fixture
def node(installed: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a program of ``node_modules`` in an empty folder, at home nowhere."""
    path = f"{installed / 'node'}{os.pathsep}{os.environ['PATH']}"
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "NO_COLOR": "1"}

    def run(program: str, *words: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(installed / "node_modules" / ".bin" / program), *map(str, words)],
            cwd=tmp_path,
            env={**os.environ, **home, "PATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    return run


@pytest.fixture(scope="module")
def our_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonProcess]:
    """A daemon as anybody starts it."""
    with DaemonProcess(tmp_path_factory.mktemp("ours"), policy=OUR_POLICY) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def fixture_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonProcess]:
    """The same, with the tools of the conformance suite behind its door in place of ours."""
    with DaemonProcess(
        tmp_path_factory.mktemp("fixtures"),
        policy="",
        arguments=["--without", "mcp"],
        environment={"PYTHONPATH": str(Path(__file__).parent / "fixture_plugin")},
    ) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A daemon to ask."""
    with DaemonProcess(tmp_path_factory.mktemp("external"), policy=POLICY) as daemon:
        yield Desk(daemon)


@pytest.fixture(scope="session")
def everything(installed: Path) -> Iterator[str]:
    """The address of a server that uses everything the protocol has, written for Node."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = f"{installed / 'node'}{os.pathsep}{os.environ['PATH']}"
    script = installed / "node_modules" / ".bin" / "mcp-server-everything"
    with subprocess.Popen(
        [str(script), "streamableHttp"],
        env={**os.environ, "PORT": str(port), "PATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        _await_listener(port)
        yield f"http://127.0.0.1:{port}/mcp"
        process.terminate()


def _await_listener(port: int) -> None:
    ends = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < ends, "the server does not listen"
            time.sleep(0.1)
        else:
            return


@pytest.fixture
def visit(desk: Desk) -> Callable[..., Any]:
    """A client of a server, named by its words or by its address; behind a gateway or not."""

    @asynccontextmanager
    async def visiting(
        server: list[str] | str, wrapped: str = "", **options: Any
    ) -> AsyncIterator[Client]:
        place: Any = server
        if wrapped:
            named = ["--url", server] if isinstance(server, str) else ["--", *server]
            server = [sys.executable, "-m", "ratelord_core.cli", "mcp", "wrap", "--name", wrapped]
            server += named
        if isinstance(server, list):
            environment = {**os.environ, "RATELORD_URL": desk.daemon.url}
            place = StdioServerParameters(command=server[0], args=server[1:], env=environment)
        async with Client(place, **options) as client:
            yield client

    return visiting
