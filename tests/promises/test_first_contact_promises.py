"""A newcomer's first minutes, by the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., Any]
Command = Callable[..., Any]

FEW = """
pools:
  - {id: search/api, unit: requests, limit: 3, window: {kind: fixed, every: 10m}, shared_by: ["*"]}
"""


@pytest.mark.promise("F-01")
def test_the_demonstration_shows_decisions_and_ends(command: Command) -> None:
    done = command("demo", "--seconds", "9")

    assert done.returncode == 0, done.stdout + done.stderr
    shown = done.stdout.lower()
    assert "approve" in shown
    assert "wait" in shown
    assert "den" in shown
    assert "ratelord up" in shown, "it says what to type next"


@pytest.mark.promise("F-02")
def test_an_emptying_pool_approves_then_waits_then_denies(start: Start) -> None:
    desk = start(FEW)

    answers = [desk.command("ask", "scan", "--json") for _ in range(4)]
    denied = desk.command("ask", "scan", "--max-wait", "0", "--json")

    told = [json.loads(answer.stdout) for answer in answers]
    assert [answer["decision"] for answer in told[:3]] == ["approve"] * 3
    assert told[3]["decision"] in {"approve_with_modifications", "deny_with_reason"}
    refusal = json.loads(denied.stdout)
    assert denied.returncode == 3
    assert refusal["decision"] == "deny_with_reason"
    assert refusal["reason"]
    assert refusal["retry_after_seconds"] > 0


@pytest.mark.promise("F-02")
def test_a_crowd_that_can_wait_is_told_when(start: Start) -> None:
    desk = start(FEW.replace("10m", "30s"))

    answers = [desk.ask() for _ in range(5)]

    assert [answer["decision"] for answer in answers[3:]] == ["approve_with_modifications"] * 2
    waits = [answer["modifications"]["wait_seconds"] for answer in answers[3:]]
    assert 0 < waits[0] < waits[1], "they do not come back in one burst"


@pytest.mark.promise("F-03")
def test_explain_says_why(start: Start) -> None:
    desk = start(FEW)
    for _ in range(3):
        desk.ask()
    denied = desk.ask(max_wait_seconds=0)

    told = desk.command("explain", denied["intent_id"])

    assert told.returncode == 0, told.stderr
    assert "search/api" in told.stdout


@pytest.mark.promise("F-10")
def test_without_a_daemon_the_answer_is_no(command: Command) -> None:
    answer = command("ask", "scan", RATELORD_URL="http://127.0.0.1:9")

    assert answer.returncode == 4
    assert "Traceback" not in answer.stderr


@pytest.mark.promise("F-11")
def test_plugins_are_listed_and_can_be_left_out(command: Command) -> None:
    listed = json.loads(command("plugins", "--json").stdout)

    found = {
        plugin["name"]: plugin
        for plugin in (listed["items"] if isinstance(listed, dict) else listed)
    }
    assert found["mock"]["hooks"] == ["ratelord_register_providers"]
    assert all(plugin["state"] == "loaded" for plugin in found.values())
