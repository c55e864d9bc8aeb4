"""What all tests share: the report of promises (``--promises``), and a daemon that does as told."""

from __future__ import annotations

import json
import logging
import os
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from ratelord_core.testing import nursery
from ratelord_core.testing.loopback import LoopbackServer
from ratelord_core.testing.scripted_daemon import Answer, ScriptedDaemon

PROMISES = Path(__file__).parent / "promises" / "promises.toml"
WIRE = Path(__file__).parent / "data" / "wire"

# Nobody here speaks TLS with the world, and to read its certificates takes a client longer than to ask.
os.environ.pop("SSL_CERT_FILE", None)
os.environ["SSL_CERT_DIR"] = str(WIRE)

# Every run tries the same examples, so that what failed can be seen again; `deep` looks for new ones.
# How long an example takes says nothing on a machine that does other things too.
PATIENT: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("usual", derandomize=True, database=None, **PATIENT)
settings.register_profile("deep", derandomize=False, print_blob=True, **PATIENT)
settings.load_profile(os.environ.get("RATELORD_TEST_PROFILE", "usual"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--promises``: print each promise with what its tests found."""
    parser.addoption(
        "--promises", action="store_true", help="print the table of promises; all must be kept"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Let the disk come to rest, and listen to the run if asked for the table."""
    if not hasattr(config, "workerinput") and hasattr(os, "sync"):
        os.sync()  # what was just installed would hold up daemons' commits longer than callers wait
    if config.getoption("--promises"):
        config.pluginmanager.register(PromiseReport(), "promise-report")


class PromiseReport:
    """Collects what became of each promise's tests, and prints it when all have run."""

    def __init__(self) -> None:
        self._promises = tomllib.loads(PROMISES.read_text(encoding="utf-8"))["promise"]
        self._outcomes: dict[str, set[str]] = defaultdict(set)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember how a test (all its parameters together) ended."""
        if report.when == "call" or report.outcome != "passed":
            self._outcomes[report.nodeid.partition("[")[0]].add(report.outcome)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A promise that nobody tested was not kept."""
        if session.exitstatus == 0 and any(self._state(p) != "kept" for p in self._promises):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The table."""
        terminalreporter.section("promises")
        for promise in self._promises:
            state = self._state(promise)
            line = f"{promise['id']:<7} {state:<8} {promise['promise']}"
            terminalreporter.line(line, green=state == "kept", red=state != "kept")
            if "measured" in promise:
                terminalreporter.line(f"{'':<16} measured by tox -e bench: {promise['measured']}")

    def _state(self, promise: dict[str, Any]) -> str:
        outcomes = [self._outcomes.get(test, set()) for test in promise["tests"]]
        if any("failed" in outcome for outcome in outcomes):
            return "BROKEN"
        return "kept" if all(outcome == {"passed"} for outcome in outcomes) else "NOT RUN"


@pytest.fixture(autouse=True)
def _the_log_is_left_as_it_was() -> Iterator[None]:
    """What one test does to the program's log, all later ones of its process would read."""
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    yield
    assert (root.level, root.handlers[:]) == before


@pytest.fixture(scope="session", autouse=True)
def _nursery() -> Iterator[None]:
    with nursery.forking():
        yield


@pytest.fixture(scope="session")
def _served() -> Iterator[ScriptedDaemon]:
    app = ScriptedDaemon()
    with LoopbackServer(app) as server:
        app.url = server.url
        yield app


@pytest.fixture
def scripted_daemon(_served: ScriptedDaemon) -> ScriptedDaemon:
    """A scripted daemon behind a real socket."""
    _served.asked = []
    return _served


@pytest.fixture
def answer() -> type[Answer]:
    """What a scripted daemon answers."""
    return Answer


@pytest.fixture
def wire() -> Callable[[str], dict[str, Any]]:
    """The wire forms of answers, by name."""
    return lambda name: dict(json.loads((WIRE / f"{name}.json").read_text(encoding="utf-8")))
