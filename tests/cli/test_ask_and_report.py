"""``ratelord ask`` and ``ratelord report``: few words, one sentence, an exit code that says it."""

from __future__ import annotations

import socket

import pytest


@pytest.fixture
def nowhere(monkeypatch):
    with socket.socket() as held:  # bound, so that nobody else listens there
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        monkeypatch.setenv("RATELORD_URL", url)
        yield url


def test_one_word_is_enough_to_ask(ratelord, here, wire, answer):
    here.answers(answer(body=[]), answer(body=wire("approve")))
    ran = ratelord("ask", "repo_scan")
    assert ran.code == 0
    assert ran.err == ""
    assert ran.out.startswith("Approved: repo_scan may start now")
    assert wire("approve")["intent_id"] in ran.out
    assert ran.out.count("\n") == 1
    asked = here.asked[-1].body
    assert asked["agent_id"] == asked["identity_id"] == "cli:rmax"
    assert asked["workload_id"] == "repo_scan"
    assert asked["scope_id"] == "global"


def test_the_only_registered_identity_is_charged(ratelord, here, wire, answer):
    listed = [
        {"identity_id": "pat:old", "status": "revoked"},
        {"identity_id": "pat:me", "status": "active"},
    ]
    here.answers(answer(body=listed), answer(body=wire("approve")))
    ratelord("ask", "repo_scan")
    assert here.asked[-1].body["identity_id"] == "pat:me"


def test_the_environment_names_agent_and_identity(ratelord, here, wire, answer, monkeypatch):
    monkeypatch.setenv("RATELORD_AGENT", "crawler-01")
    monkeypatch.setenv("RATELORD_IDENTITY", "pat:me")
    here.answers(answer(body=wire("approve")))
    ratelord("ask", "repo_scan", "repo:acme/api")
    asked = here.asked[-1].body
    assert (asked["agent_id"], asked["identity_id"]) == ("crawler-01", "pat:me")
    assert asked["scope_id"] == "repo:acme/api"


def test_everything_can_be_said(ratelord, here, wire, answer):
    here.answers(answer(body=wire("approve")))
    ratelord(
        "ask", "scan", "org:a", "--agent", "a", "--identity", "i", "--cost", "2.5",
        "--costs", "gh/search=2", "--costs", "gh/core=3", "--urgency", "high", "--pool", "gh/core",
        "--model", "m", "--duration", "30", "--max-wait", "0", "--renews", "0193", "--key", "k",
        "--debug", "--context", "run_id=nightly=7", "--context", "task_id=1",
    )  # fmt: skip
    assert here.asked[-1].body == {
        "agent_id": "a",
        "identity_id": "i",
        "workload_id": "scan",
        "scope_id": "org:a",
        "expected_cost": 2.5,
        "costs": {"gh/search": 2, "gh/core": 3},
        "urgency": "high",
        "provider_id": "gh",
        "pool_id": "core",
        "model": "m",
        "duration_hint": 30,
        "max_wait_seconds": 0,
        "renews": "0193",
        "idempotency_key": "k",
        "debug": True,
        "client_context": {"run_id": "nightly=7", "task_id": "1"},
    }


def test_json_is_the_wire_form(ratelord, here, wire, answer):
    here.answers(answer(body=wire("deny")))
    ran = ratelord("ask", "scan", "--identity", "i", "--json")
    assert ran.code == 3
    assert ran.json == wire("deny")


def test_a_denial_says_why_and_when_to_come_back(ratelord, here, wire, answer):
    here.answers(answer(body=wire("deny")))
    ran = ratelord("ask", "scan", "--identity", "i")
    assert ran.code == 3
    assert "Denied (pool_exhausted): The pool is empty; ask again in 30 s" in ran.out


def test_a_wait_is_told_and_not_slept(ratelord, here, wire, answer):
    here.answers(answer(body=wire("wait")))
    ran = ratelord("ask", "scan", "--identity", "i")
    assert ran.code == 0
    assert "Approved with changes: scan may start in 2.5 s" in ran.out
    assert "The pool is empty until its reset" in ran.out


def test_a_wait_is_slept_on_demand(ratelord, here, wire, answer, monkeypatch):
    naps = []
    monkeypatch.setattr("time.sleep", naps.append)
    here.answers(answer(body=wire("wait")))
    assert ratelord("ask", "scan", "--identity", "i", "--wait").code == 0
    assert 2.5 in naps


def test_an_interrupted_wait_gives_the_hold_back(ratelord, here, wire, answer, monkeypatch):
    def interrupted(_seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupted)
    here.answers(answer(body=wire("wait")), answer(body=wire("settled")))
    assert ratelord("ask", "scan", "--identity", "i", "--wait").code == 130
    assert here.asked[-1].body["outcome"] == "cancelled"


def test_other_changes_are_told_too(ratelord, here, wire, answer):
    changes = {
        "identity_switch": "pat:b",
        "route": {"provider_id": "other"},
        "protocol_switch": "graphql",
        "max_cost": 3,
        "degrade": "metadata_only",
    }
    here.answers(answer(body=wire("wait") | {"modifications": changes}))
    out = ratelord("ask", "scan", "--identity", "i").out
    for said in ("pat:b", "provider_id other", "graphql", "at most 3", "metadata_only"):
        assert said in out


def test_a_dry_run_says_if(ratelord, here, wire, answer):
    here.answers(answer(body=wire("approve")))
    ran = ratelord("ask", "scan", "--identity", "i", "--dry-run")
    assert ran.out.startswith("If you asked now")
    assert wire("approve")["intent_id"] not in ran.out


def test_text_of_the_daemon_cannot_steer_the_terminal(ratelord, here, wire, answer):
    here.answers(answer(body=wire("deny") | {"reason": "no\x1b[2J\nreally"}))
    out = ratelord("ask", "scan", "--identity", "i").out
    assert "\x1b" not in out
    assert out.count("\n") == 1


def test_no_daemon_is_exit_code_four_and_one_line(ratelord, nowhere):
    ran = ratelord("ask", "scan")
    assert ran.code == 4
    assert ran.out == ""
    assert ran.err.count("\n") == 1
    assert "ratelord up" in ran.err


def test_no_daemon_as_json_is_still_a_decision(ratelord, nowhere):
    ran = ratelord("ask", "scan", "--json")
    assert ran.code == 4
    assert ran.json["reason_code"] == "daemon_unreachable"


def test_a_wrong_question_names_the_field(ratelord, here, answer):
    problem = {
        "code": "invalid_request",
        "detail": "the intent is not valid",
        "errors": [{"field": "agent_id", "message": "holds a space"}],
    }
    here.answers(answer(status=400, body=problem))
    ran = ratelord("ask", "scan", "--agent", "a b", "--identity", "i")
    assert ran.code == 1
    assert "agent_id: holds a space" in ran.err


@pytest.mark.parametrize("cost", ["gh/core", "gh/core=x", "core=3", "gh/core=-1", "gh/core=nan"])
def test_a_cost_that_is_none_is_refused_with_an_example(ratelord, here, cost):
    ran = ratelord("ask", "scan", "--identity", "i", "--costs", cost)
    assert ran.code == 2
    assert "PROVIDER/POOL=UNITS" in ran.err


def test_a_context_that_says_nothing_is_refused_with_an_example(ratelord, here):
    ran = ratelord("ask", "scan", "--identity", "i", "--context", "nightly")
    assert ran.code == 2
    assert "KEY=VALUE" in ran.err


def test_a_report_says_what_was_settled(ratelord, here, wire, answer):
    here.answers(answer(body=wire("settled")))
    ran = ratelord("report", "0193", "--cost", "3")
    assert ran.code == 0
    assert ran.out == "Settled: 3 of mock/default (held 1).\n"
    assert here.asked[0].body == {"outcome": "success", "actual_cost": 3}


def test_a_report_frees_what_was_not_used(ratelord, here, wire, answer):
    here.answers(answer(body=wire("settled") | {"outcome": "cancelled", "settled": []}))
    ran = ratelord("report", "0193", "--outcome", "cancelled", "--json")
    assert ran.json["outcome"] == "cancelled"
    assert ratelord("report", "0193", "--outcome", "cancelled").out.startswith("Freed")
