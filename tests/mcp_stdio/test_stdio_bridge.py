"""A process for each host, one daemon for all of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from ratelord_core.testing.daemon_process import DaemonProcess

POLICY = "pools: [{id: team/few, limit: 3, window: {kind: fixed, every: 1h}}]"


def test_two_processes_share_one_budget(spawn, daemon):
    rare = {"workload_id": "rare", "max_wait_seconds": 0}
    first, second = spawn("--url", daemon.url), spawn("--url", daemon.url)
    for one in (first, second):
        assert one.greet()["serverInfo"]["name"] == "ratelord"

    allowed = [one.ask(**rare)["allowed"] for one in (first, second) * 3]

    assert allowed == [True] * 3 + [False] * 3


def test_a_run_that_an_agent_names_has_its_cap_on_the_far_side_too(spawn, daemon):
    host = spawn("--url", daemon.url)
    host.greet()

    asked = [
        host.ask(agent_id="runner", client_context={"run_id": run})
        for run in ("nightly-1", "nightly-1", "nightly-2")
    ]

    assert [answer["allowed"] for answer in asked] == [True, False, True]
    assert "once-a-run" in asked[1]["reason"]


@pytest.mark.parametrize("era", ["auto", "legacy"])
@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_library_s_own_client_is_served_in_both_eras(era, daemon, environment, tmp_path):
    command = ["-m", "ratelord_core.cli", "mcp"]
    host = StdioServerParameters(
        command=sys.executable, args=command, env=environment | {"RATELORD_URL": daemon.url}
    )
    names = {"agent_id": "a", "identity_id": "pat:me", "workload_id": "scan", "scope_id": "global"}

    async with Client(host, mode=era) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        asked = await client.call_tool("ask_intent", names)
        reported = await client.call_tool(
            "report_usage",
            {"intent_id": asked.structured_content["intent_id"], "outcome": "cancelled"},
        )

    assert {"ask_intent", "report_usage"} <= tools
    assert asked.structured_content["allowed"]
    assert reported.structured_content["settled"] == [
        {"pool": "team/many", "held": 1, "settled": 0}
    ]


def test_without_a_daemon_every_question_is_denied_and_no_answer_is_an_error(spawn):
    host = spawn("--no-start")
    host.greet()

    answer = host.ask()

    assert answer["decision"] == "deny_with_reason"
    assert answer["reason_code"] == "daemon_unreachable"
    assert "daemon unreachable" in answer["reason"]
    assert answer["retry_at"]
    assert host.call("report_usage", intent_id="0" * 8)["isError"], "there is nobody to tell it"


def test_a_daemon_that_dies_is_missed_and_one_that_returns_is_found(spawn, tmp_path):
    with DaemonProcess(tmp_path, policy=POLICY, arguments=["--socket", "d.sock"]) as daemon:
        host = spawn(RATELORD_SOCKET=str(tmp_path / "d.sock"))
        host.greet()
        assert host.ask()["allowed"]

        daemon.kill()
        missed = host.ask()
        daemon.start()
        found = _until_allowed(host)

    assert missed["reason_code"] == "daemon_unreachable"
    assert found["remaining"] == 1, "what was held before the crash is still known"


def _until_allowed(host):
    ends = time.monotonic() + 60
    while not (answer := host.ask())["allowed"]:
        assert answer["reason_code"] == "daemon_unreachable", answer
        assert time.monotonic() < ends
        time.sleep(0.1)
    return answer


def test_a_daemon_is_started_once_in_the_background_again_if_killed_and_stays(spawn, environment):
    note = Path(environment["XDG_RUNTIME_DIR"]) / "ratelord" / "daemon.json"
    hosts = [spawn(), spawn()]
    for host in hosts:
        host.greet()
    try:
        answers = [host.ask() for host in hosts]
        first = json.loads(note.read_bytes())["pid"]
        os.kill(first, signal.SIGKILL)
        answers += [host.ask() for host in hosts]
        second = json.loads(note.read_bytes())["pid"]
        codes = [host.hang_up() for host in hosts]

        assert [answer["allowed"] for answer in answers] == [True] * 4
        assert second != first
        assert codes == [0, 0]
        assert _lives(second), "it stays although both of its clients are gone"
    finally:
        _end(note)


def _end(note: Path) -> None:
    """Stop the daemon that was left in the background, by its own pid."""
    pid = json.loads(note.read_bytes())["pid"]
    os.kill(pid, signal.SIGTERM)
    ends = time.monotonic() + 60
    while _lives(pid) and time.monotonic() < ends:
        time.sleep(0.05)


def _lives(pid: int) -> bool:
    told = Path("/proc/self/stat").exists()
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text() if told else ""
    except (ProcessLookupError, FileNotFoundError):  # perhaps between the two looks
        return False
    return not told or state.rpartition(")")[2].split()[0] != "Z"


def test_a_daemon_that_cannot_start_is_a_denial_with_its_own_words(spawn, environment):
    config = Path(environment["XDG_CONFIG_HOME"]) / "ratelord"
    config.mkdir(parents=True)
    (config / "policy.yaml").write_text("pools: 7\n")
    host = spawn()
    host.greet()

    answer = host.ask()

    assert answer["reason_code"] == "daemon_unreachable"
    assert "policy.yaml:1" in answer["reason"]


def test_a_core_of_its_own_decides_without_a_daemon(spawn, environment):
    config = Path(environment["XDG_CONFIG_HOME"]) / "ratelord"
    config.mkdir(parents=True)
    (config / "policy.yaml").write_text(
        "pools: [{id: team/few, limit: 1, window: {kind: fixed, every: 1h}}]"
    )
    host = spawn("--embedded")
    host.greet()

    assert [host.ask(max_wait_seconds=0)["allowed"] for _ in range(2)] == [True, False]
    assert host.hang_up() == 0
    verified = subprocess.run(
        [sys.executable, "-m", "ratelord_core.cli", "events", "verify"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_embedded_and_a_daemon_contradict_each_other(spawn):
    host = spawn("--embedded", "--no-start")

    assert host.process.wait(60) == 2
    assert "--embedded uses no daemon" in host.errors()


@pytest.mark.parametrize(
    "variables",
    [{"RATELORD_URL": "nonsense"}, {"RATELORD_PORT": "many"}, {"RATELORD_TOKEN": "two words"}],
    ids=lambda variables: next(iter(variables)),
)
def test_what_cannot_be_an_address_or_a_token_is_said_at_once(spawn, variables):
    host = spawn(**variables)

    assert host.process.wait(60) == 2
    assert host.raw == []
    assert len(host.errors().splitlines()) == 1


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_an_idle_server_ends_at_once_when_told_to(spawn, name):
    def took() -> float:
        host = spawn("--no-start")
        host.greet()
        told = time.monotonic()
        host.process.send_signal(name)
        assert host.process.wait(60) == 0
        return time.monotonic() - told

    # The library's own streams take five seconds and more, each time; a busy machine may, once.
    assert any(took() < 3 for _ in range(5))


def test_the_end_of_the_input_ends_it(spawn):
    host = spawn("--no-start")
    host.greet()

    assert host.hang_up() == 0
    assert host.errors() == ""


def test_noise_gets_no_answer_that_is_not_json_and_the_next_request_is_served(spawn, daemon):
    host = spawn("--url", daemon.url)
    host.greet()

    host.write(b"this is no message\n\xff\xfe\n\n[]\n" + b"x" * 5_000_000 + b"\n")
    allowed = host.ask()["allowed"]

    assert allowed
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in host.raw)


def test_a_wrong_token_is_told_to_the_model_without_the_token(spawn, tmp_path):
    folder = tmp_path / "strict"
    folder.mkdir()
    with DaemonProcess(folder, arguments=["--auth", "required"]) as daemon:
        host = spawn("--url", daemon.url, RATELORD_TOKEN="not-a-good-one")
        host.greet()
        result = host.call(
            "ask_intent", agent_id="a", identity_id="pat:me", workload_id="w", scope_id="global"
        )

    (content,) = result["content"]
    assert result["isError"]
    assert "RATELORD_TOKEN" in content["text"]
    assert "not-a-good-one" not in content["text"]
