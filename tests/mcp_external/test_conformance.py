"""The protocol's own conformance suite: against the daemon, and against fixtures behind its door.

The scenarios that call tools by the suite's own names, or subscribe to its resources, cannot pass
on anybody's real server: they run on the fixtures, with everything else that a revision requires.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from ratelord_core.testing.daemon_process import DaemonProcess

Node = Callable[..., "subprocess.CompletedProcess[str]"]
Record = Callable[[str, object], None]
HANDSHAKE, STATELESS = "2025-11-25", "2026-07-28"
IN_BOTH = (
    "completion-complete",
    "dns-rebinding-protection",
    "prompts-list",
    "resources-list",
    "server-sse-multiple-streams",
    "tools-list",
)
OF_ONE = (
    (HANDSHAKE, "ping"),
    (HANDSHAKE, "server-initialize"),
    (HANDSHAKE, "server-session-lifecycle"),
    (STATELESS, "caching"),
    (STATELESS, "http-header-validation"),
    (STATELESS, "sep-2164-resource-not-found"),
)
SCENARIOS = [(era, name) for era in (HANDSHAKE, STATELESS) for name in IN_BOTH] + list(OF_ONE)
BEYOND = (
    (HANDSHAKE, "json-schema-2020-12"),
    (HANDSHAKE, "server-session-lifecycle"),
    (STATELESS, "json-schema-2020-12"),
    (STATELESS, "http-custom-header-server-validation"),
    (STATELESS, "http-header-validation"),
)
"""What a revision does not require, and the door can do."""
NEED_THE_SUITES_TOOLS = (
    "sep-2575-server-rejects-undeclared-capability",
    "sep-2575-missing-capability-http-400",
    "sep-2575-http-server-no-independent-requests-on-stream",
    "sep-2575-server-no-log-without-loglevel",
)
COUNTS = re.compile(r"Passed: (\d+)/(\d+), (\d+) failed, (\d+) warnings")
LINE = re.compile(r"^([✓✗]) ([\w-]+): (\d+) passed, (\d+) failed", re.MULTILINE)


def check(node: Node, record: Record, daemon: DaemonProcess, era: str, scenario: str) -> None:
    """Run one scenario; at least one check must have been made, and none may fail."""
    words = ("--url", f"{daemon.url}/mcp", "--scenario", scenario, "--spec-version", era)

    ended = node("conformance", "server", *words)

    said = COUNTS.search(ended.stdout)
    assert said is not None, ended.stdout + ended.stderr
    record("said", f"{era}  {scenario:<38} {said[0]}")
    passed, of_all, failed, warnings = map(int, said.groups())
    assert (passed, failed, warnings, ended.returncode) == (of_all, 0, 0, 0), ended.stdout
    assert passed > 0


@pytest.mark.parametrize(("era", "scenario"), SCENARIOS)
def test_the_daemon_passes_a_scenario(
    node: Node, our_daemon: DaemonProcess, record_property: Record, era: str, scenario: str
) -> None:
    check(node, record_property, our_daemon, era, scenario)


def test_the_daemon_is_stateless_as_far_as_the_suite_can_see_without_its_own_tools(
    node: Node, our_daemon: DaemonProcess, tmp_path: Path, record_property: Record
) -> None:
    excused = tmp_path / "excused.yaml"
    lines = [f"  - server-stateless:{check}" for check in NEED_THE_SUITES_TOOLS]
    excused.write_text("\n".join(["server:", *lines]), encoding="utf-8")
    words = ("--scenario", "server-stateless", "--spec-version", STATELESS)

    ended = node(
        "conformance", "server", "--url", f"{our_daemon.url}/mcp", *words,
        "--expected-failures", excused,
    )  # fmt: skip

    said = COUNTS.search(ended.stdout)
    assert said is not None, ended.stdout + ended.stderr
    excuse = f"{len(NEED_THE_SUITES_TOOLS)} need the suite's tools"
    record_property("said", f"{STATELESS}  {'server-stateless':<38} {said[0]} ({excuse})")
    assert int(said[1]) >= 24
    assert int(said[3]) == len(NEED_THE_SUITES_TOOLS)
    assert ended.returncode == 0, ended.stdout


@pytest.mark.parametrize(("era", "scenario"), BEYOND)
def test_the_door_passes_scenarios_beyond_what_is_required(
    node: Node, fixture_daemon: DaemonProcess, record_property: Record, era: str, scenario: str
) -> None:
    check(node, record_property, fixture_daemon, era, scenario)


@pytest.mark.parametrize("era", [HANDSHAKE, STATELESS])
def test_the_door_meets_everything_that_a_revision_requires(
    node: Node, installed: Path, fixture_daemon: DaemonProcess, record_property: Record, era: str
) -> None:
    suite = installed / "node_modules" / "@modelcontextprotocol" / "conformance"
    requirements = suite / "requirements" / f"{era}.yaml"
    required = set(yaml.safe_load(requirements.read_text(encoding="utf-8"))["server"])

    ended = node(
        "conformance", "server", "--url", f"{fixture_daemon.url}/mcp", "--requirements", era
    )

    results = {
        name: (int(passed), int(failed)) for _, name, passed, failed in LINE.findall(ended.stdout)
    }
    total = sum(results.get(name, (0, 0))[0] for name in required)
    record_property("said", f"{era}  all {len(required)} required scenarios: {total} checks passed")
    assert {name for name in required if results.get(name, (0, 1))[1]} == set(), ended.stdout
    assert required <= results.keys()
    assert ended.returncode == 0
    assert fixture_daemon.running
