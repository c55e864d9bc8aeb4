"""A coding agent's hook: a tool runs only if the daemon says so, and nothing is given away."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ratelord import Client
from ratelord_core.cli.app import run
from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_core.testing.desk import Desk, patiently
from ratelord_core.testing.held_wire import HeldWire
from ratelord_mcp import pre_tool

SECRET = "hunter2"
USE = {
    "session_id": "s1",
    "transcript_path": "/t",
    "cwd": "/w",
    "hook_event_name": "PreToolUse",
    "tool_name": "Bash",
    "tool_input": {"command": f"curl -H 'Authorization: {SECRET}'"},
}


@pytest.fixture
def hook(monkeypatch, capsys, tmp_path):
    """Run the hook in this process; its exit code, what it printed, and its errors."""
    for name in [name for name in os.environ if name.startswith("RATELORD_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("RATELORD_PORT", "0")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))

    def call(said, *words):
        content = said if isinstance(said, bytes) else json.dumps(said).encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        code = run(["hook", "pre-tool-use", *words])
        out, err = capsys.readouterr()
        assert SECRET not in out + err
        return code, json.loads(out) if out else None, err

    return call


def _told(answer):
    told = answer["hookSpecificOutput"]
    assert told["hookEventName"] == "PreToolUse"
    return told["permissionDecision"], told["permissionDecisionReason"]


def test_an_approval_lets_the_tool_run_and_a_denial_says_why(hook, daemon):
    asked = hook(USE, "--url", daemon.url, "--agent", "coder")
    denied = hook(USE | {"tool_name": "Forbidden"}, "--url", daemon.url)

    assert (asked[0], denied[0]) == (0, 0)
    assert _told(asked[1])[0] == "allow"
    verdict, reason = _told(denied[1])
    assert verdict == "deny"
    assert "that work is not done here" in reason
    with Client(daemon.url, timeout=60) as client:
        (event,) = client.events(type="intent_submitted", agent_id="coder")
    assert event["dimensions"]["workload_id"] == "agent/Bash"
    assert event["dimensions"]["scope_id"] == "global"


def test_a_limit_that_is_used_up_denies_with_the_time_to_come_back(hook, daemon):
    rare = USE | {"tool_name": "mcp__shop__rare"}
    verdicts = [_told(hook(rare, "--url", daemon.url, "--max-wait", "0")[1]) for _ in range(3)]

    assert [verdict for verdict, _ in verdicts] == ["allow", "allow", "deny"]
    assert "retry_at 20" in verdicts[2][1]


def test_a_session_of_the_host_is_a_run_and_has_the_caps_of_one(hook, daemon):
    verdicts = [
        _told(hook(USE | {"session_id": one}, "--url", daemon.url, "--agent", "runner")[1])
        for one in ("s8", "s8", "s9")
    ]

    assert [verdict for verdict, _ in verdicts] == ["allow", "deny", "allow"]
    assert "once-a-run" in verdicts[1][1]


def test_an_approval_may_leave_the_last_word_to_the_host_s_own_permissions(hook, daemon):
    assert hook(USE, "--url", daemon.url, "--on-approve", "pass")[1] == {}


def test_the_same_use_asked_twice_is_held_once(hook, daemon):
    use = USE | {"tool_use_id": "toolu_1"}
    with Client(daemon.url, timeout=60) as client:
        for _ in range(2):
            assert _told(hook(use, "--url", daemon.url, "--agent", "twice")[1])[0] == "allow"
        assert len(client.events(type="intent_submitted", agent_id="twice")) == 1


@pytest.mark.parametrize(
    ("otherwise", "verdict"), [("deny", "deny"), ("allow", "allow"), ("ask", "ask")]
)
def test_without_a_daemon_it_answers_as_it_was_told_to(hook, otherwise, verdict):
    code, answer, _ = hook(USE, "--on-unreachable", otherwise)

    assert code == 0
    assert _told(answer)[0] == verdict


def test_without_a_daemon_and_without_a_word_it_denies(hook):
    assert _told(hook(USE, "--url", "http://127.0.0.1:1")[1])[0] == "deny"


def test_the_policy_says_what_a_tool_is(hook, daemon):
    write = USE | {"tool_name": "Write", "tool_input": {"file_path": "/w/a b"}}
    hook(write, "--url", daemon.url, "--agent", "writer")

    with Client(daemon.url, timeout=60) as client:
        (event,) = client.events(type="intent_submitted", agent_id="writer")
    assert event["dimensions"]["workload_id"] == "writing"
    assert event["dimensions"]["scope_id"] == "file:/w/a-b"
    assert event["dimensions"]["identity_id"] == "pat:writer"


def test_a_tool_that_needs_no_question_runs_without_one(hook, daemon):
    answer = hook(USE | {"tool_name": "Read"}, "--url", daemon.url, "--agent", "reader")[1]

    assert _told(answer)[0] == "allow"
    with Client(daemon.url, timeout=60) as client:
        assert client.events(type="intent_submitted", agent_id="reader") == []


def test_a_tool_that_nobody_can_say_the_work_of_is_denied_without_a_word_of_its_input(hook, daemon):
    write = USE | {"tool_name": "Write", "tool_input": {"content": SECRET}}

    verdict, reason = _told(hook(write, "--url", daemon.url)[1])

    assert verdict == "deny"
    assert "cannot say what this call is" in reason


def test_a_question_that_the_daemon_refuses_is_a_denial(hook, daemon):
    verdict, reason = _told(hook(USE, "--url", daemon.url, "--agent", "no id")[1])

    assert verdict == "deny"
    assert "agent_id" in reason
    assert "in vain" in reason


@pytest.mark.parametrize("said", [b"", b"no json", b"[]", b"{}", b'{"tool_name": 3}', b"\xff"])
def test_what_names_no_tool_blocks_and_says_so_on_standard_error(hook, said):
    code, answer, err = hook(said)

    assert (code, answer) == (2, None)
    assert err.startswith("ratelord: the input ")


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (
            {"hook_event_name": "beforeShellExecution", "command": "ls"},
            {"permission": "deny", "user_message": "why", "agent_message": "why"},
        ),
        (
            {"hook_event_name": "BeforeTool", "tool_name": "run"},
            {"decision": "deny", "reason": "why"},
        ),
        (
            {"toolName": "run", "toolArgs": "{}"},
            {
                "hookSpecificOutput": {
                    "hookEventName": "PreToolUse",
                    "permissionDecision": "deny",
                    "permissionDecisionReason": "why",
                }
            },
        ),
    ],
)
def test_hosts_are_answered_in_their_own_words(said, answer):
    use = pre_tool.read(json.dumps(said).encode())

    assert pre_tool.answer(use, "deny", "why") == answer


def test_a_hook_s_process_loads_nothing_that_takes_long():
    code = """
import json, sys
from ratelord_core.cli.app import build
build(["hook"])
import ratelord_mcp.verbs.hook
print(json.dumps(sorted(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=240
    )
    heavy = {"mcp", "pydantic", "yaml", "networkx", "sqlalchemy", "rich", "ratelord_core.arbiter"}

    assert not heavy & set(json.loads(done.stdout))


def test_the_policy_on_the_page_about_hooks_is_valid(daemon):
    page = (Path(__file__).parents[2] / "docs" / "mcp-hooks.md").read_text(encoding="utf-8")
    (policy,) = re.findall(r"^```yaml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)

    with Client(daemon.url, timeout=60) as client:
        assert client.check_policy(policy)["valid"]


@pytest.fixture
def turns(tmp_path):
    """A daemon with one turn a minute, which was just had."""
    policy = "pools: [{id: team/turns, limit: 1, window: {kind: sliding, every: 60s}}]"
    folder = tmp_path / "turns"
    folder.mkdir()
    with DaemonProcess(folder, policy=policy) as daemon:
        desk = Desk(daemon)
        first = desk.ask()
        desk.post(f"/v1/intents/{first['intent_id']}/report", {"outcome": "success"})
        yield desk


@pytest.fixture
def wait_for_a_turn(turns, environment, tmp_path):
    """Start the hook in a process of its own, at that address; it waits for its turn."""
    with contextlib.ExitStack() as ends:

        def start(url, **variables):
            words = ("hook", "pre-tool-use", "--url", url, "--max-wait", "90")
            waiting = subprocess.Popen(
                [sys.executable, "-m", "ratelord_core.cli", *words],
                env=environment | variables,
                cwd=tmp_path,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            ends.enter_context(waiting)
            ends.callback(waiting.kill)
            waiting.stdin.write(json.dumps(USE).encode())
            waiting.stdin.close()
            patiently(lambda: len(turns.decided()) == 2)
            return waiting

        yield start


def test_a_host_that_gives_up_while_the_hook_waits_gets_a_denial_and_nothing_is_held(
    turns, wait_for_a_turn
):
    waiting = wait_for_a_turn(turns.daemon.url)
    waiting.send_signal(signal.SIGTERM)

    assert waiting.wait(60) == 2
    assert waiting.stdout.read() + waiting.stderr.read() == b""
    outcomes = [event["payload"].get("outcome") for event in turns.events("intent_reported")]
    assert outcomes == [None, "cancelled"], "success goes without saying"


def test_a_host_that_gives_up_does_not_wait_for_a_daemon_that_says_nothing(turns, wait_for_a_turn):
    with HeldWire(turns.daemon.url) as wire:
        waiting = wait_for_a_turn(wire.url, RATELORD_TIMEOUT="300")
        wire.hold()
        waiting.send_signal(signal.SIGTERM)

        assert waiting.wait(60) == 2
        assert waiting.stdout.read() + waiting.stderr.read() == b""
