"""The protocol's inspector, from the command line: what a developer tries first."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_core.testing.desk import run_command

Node = Callable[..., "subprocess.CompletedProcess[str]"]
Record = Callable[[str, object], None]
ASKED = {
    "agent_id": "crawler-01",
    "identity_id": "pat:rmax",
    "workload_id": "scan",
    "scope_id": "repo:acme/api",
}


class Inspector:
    """One server as the inspector sees it, in one era."""

    def __init__(self, node: Node, server: list[str], era: str) -> None:
        self._node = node
        self._words = [*server, "--protocol-era", era, "--format", "json"]

    def run(self, method: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a method; whatever comes of it."""
        return self._node("inspector", "--cli", *self._words, "--method", method, *words)

    def told(self, method: str, *words: str) -> dict[str, Any]:
        """Run a method that must succeed; its result."""
        ended = self.run(method, *words)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return dict(json.loads(ended.stdout)["result"])


@pytest.fixture(params=["legacy", "modern"])
def era(request: pytest.FixtureRequest) -> str:
    """An era."""
    return str(request.param)


@pytest.fixture(params=["http", "stdio"])
def inspector(
    request: pytest.FixtureRequest,
    node: Node,
    our_daemon: DaemonProcess,
    tmp_path: Path,
    era: str,
) -> Inspector:
    """Over HTTP, or started from the very lines that we print for hosts."""
    if request.param == "http":
        return Inspector(node, [f"{our_daemon.url}/mcp"], era)
    printed = run_command("mcp", "config", "--client", "cursor", "--url", our_daemon.url)
    assert printed.returncode == 0, printed.stderr
    hosts_file = tmp_path / "mcp.json"
    hosts_file.write_text(printed.stdout, encoding="utf-8")
    return Inspector(node, ["--config", str(hosts_file), "--server", "ratelord"], era)


def test_it_lists_strictly_calls_reads_and_gets(
    inspector: Inspector, record_property: Record, request: pytest.FixtureRequest
) -> None:
    listed = inspector.run("tools/list", "--strict")
    assert listed.returncode == 0, listed.stderr
    names = [tool["name"] for tool in json.loads(listed.stdout)["result"]["tools"]]
    verdict = next(line for line in listed.stderr.splitlines() if "warnings" in line)

    asked = inspector.told(
        "tools/call", "--tool-name", "ask_intent", "--tool-args-json", json.dumps(ASKED)
    )
    read = inspector.told("resources/read", "--uri", "ratelord://pools/team/requests")
    got = inspector.told(
        "prompts/get", "--prompt-name", "ratelord-aware", "--prompt-args", "agent_id=crawler-01"
    )

    record_property(
        "said", f"inspector {request.node.callspec.id:<14} {len(names)} tools; {verdict}"
    )
    assert "ask_intent" in names
    assert verdict.startswith("0 errors")
    assert asked["structuredContent"]["allowed"] is True
    assert json.loads(read["contents"][0]["text"])["limit"] == 1000
    assert "crawler-01" in got["messages"][0]["content"]["text"]


def test_it_lists_resources_templates_and_prompts(inspector: Inspector) -> None:
    resources = inspector.told("resources/list")["resources"]
    templates = inspector.told("resources/templates/list")["resourceTemplates"]
    prompts = inspector.told("prompts/list")["prompts"]

    assert "ratelord://usage" in {resource["uri"] for resource in resources}
    assert "ratelord://intents/{intent_id}" in {template["uriTemplate"] for template in templates}
    assert [prompt["name"] for prompt in prompts] == ["ratelord-aware"]


def test_a_tool_that_does_not_exist_is_said_so(inspector: Inspector) -> None:
    ended = inspector.run("tools/call", "--tool-name", "no_such_tool")

    assert ended.returncode != 0
    assert "no_such_tool" in ended.stdout + ended.stderr
