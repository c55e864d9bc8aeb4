"""Verbs that look: a table for people, the wire form for machines, and nothing that surprises."""

from __future__ import annotations

import json
import os

import pytest

POOL = {
    "provider_id": "mock", "pool_id": "default", "unit": "requests", "limit": 1000, "used": 10,
    "held": 2, "scheduled": 0, "available": 988, "window": {"kind": "fixed", "every": 60},
    "reset_at": "2026-01-31T12:00:00.000000Z", "observed_at": None, "staleness_seconds": 0,
    "stale": False, "local": False, "risk_level": "ok", "forecast": {"tte_p90_seconds": None},
    "members": [], "shares": {"agent": [{"id": "crawler", "used": 10, "held": 2}]},
}  # fmt: skip
FORECAST = {
    "provider_id": "mock", "pool_id": "default", "p_exhaustion": 0.25, "tte_p50_seconds": 90,
    "tte_p90_seconds": 60, "tte_p99_seconds": None, "ttr_seconds": 30, "burn_rate": 1.5,
    "risk_level": "warn",
}  # fmt: skip
HEALTH = {
    "status": "ok", "system_status": "ok", "risk_score": 3, "version": "0.1.0", "role": "leader",
    "uptime_seconds": 3720, "seq": 1234, "policy_version": "abcdef0123456789", "providers": {
        "mock": {"plugin": "mock", "state": "healthy", "last_success": None, "last_error": None,
                 "next_poll": None},
    },
}  # fmt: skip
IDENTITY = {
    "identity_id": "pat:me", "kind": "user", "status": "active", "role": "agent",
    "provider_id": None, "owner": "team", "last_active_at": None,
}  # fmt: skip
SHARE = {
    **FORECAST,
    "share": {"agent_id": "crawler", "identity_id": None, "scope_id": "org:a", "available": 1234,
              "burn_share": 0.4, "p_alone": 0.05},
}  # fmt: skip
USAGE = {
    "provider_id": "mock", "pool_id": "default", "agent_id": "crawler", "identity_id": "pat:me",
    "scope_id": "global", "used": 10, "held": 2,
}  # fmt: skip
GRAPH = {
    "nodes": [
        {"id": "a", "type": "agent", "label": "crawler", "properties": {}},
        {"id": "i", "type": "identity", "label": "pat:me", "properties": {}},
        {"id": "s", "type": "scope", "label": "global", "properties": {}},
    ],
    "edges": [{"from_id": "a", "to_id": "i", "type": "uses", "properties": {}}],
    "version": 3,
}
EVENT = {
    "event_id": "0193", "seq": 7, "event_type": "intent_decided",
    "ts_ingest": "2026-01-31T12:00:00.000000Z",
    "dimensions": {"agent_id": "crawler", "identity_id": "pat:me", "workload_id": "scan",
                   "scope_id": "sentinel:global"},
    "payload": {"decision": "deny_with_reason", "reason": "empty", "holds": []},
}  # fmt: skip
STORY = {"intent": {}, "decision": {"decision": "approve"}, "story": ["crawler asked.", "It fit."]}
POLICY = {"version": "abcdef0123456789", "source": "policy.yaml", "document": {"policies": []}}

READERS = {
    "status": (HEALTH, ["ratelord 0.1.0 is ok", "1,234 events", "up 1 h 2 min", "healthy"]),
    "pools": ([POOL], ["mock/default", "988", "1,000", "fixed 1 min"]),
    "pools mock/default": (POOL, ["988 of 1,000 requests", "crawler 12", "beyond the reset"]),
    "forecasts": ([FORECAST], ["0.250", "1 min 30 s", "past reset", "warn"]),
    "forecasts mock/default --agent crawler": (
        [SHARE],
        ["crawler · org:a", "1,234", "40%", "0.050"],
    ),
    "usage": ([USAGE], ["crawler", "pat:me", "10"]),
    "graph": (GRAPH, ["agent crawler", "uses", "identity pat:me", "scope global"]),
    "events": ([EVENT], ["7", "intent_decided", "crawler scan", "reason=empty"]),
    "explain 0193": (STORY, ["crawler asked.", "It fit."]),
    "identity list": ([IDENTITY], ["pat:me", "user", "active", "never"]),
    "policy show": (POLICY, ["version abcdef012345", "policy.yaml", "policies: []"]),
}


@pytest.mark.parametrize("words", READERS)
def test_a_reader_shows_people_what_matters(ratelord, here, answer, words):
    body, wanted = READERS[words]
    here.answers(answer(body=body))
    ran = ratelord(*words.split())
    assert ran.code == 0
    assert ran.err == ""
    for text in wanted:
        assert text in ran.out
    assert "\x1b" not in ran.out


@pytest.mark.parametrize("words", READERS)
def test_a_reader_gives_machines_the_wire_form(ratelord, here, answer, words):
    body, _ = READERS[words]
    here.answers(answer(body=body))
    assert ratelord(*words.split(), "--json").json == body


@pytest.mark.parametrize("words", ["pools", "forecasts", "usage", "identity list", "graph"])
def test_nothing_to_show_is_said(ratelord, here, answer, words):
    here.answers(answer(body={"nodes": [], "edges": []} if words == "graph" else []))
    ran = ratelord(*words.split())
    assert ran.code == 0
    assert ran.out.strip()


@pytest.mark.parametrize("words", [*READERS, "reload", "policy reload"])
def test_without_a_daemon_it_is_exit_code_four(ratelord, monkeypatch, words):
    monkeypatch.setenv("RATELORD_URL", "http://127.0.0.1:1")
    ran = ratelord(*words.split())
    assert ran.code == 4
    assert ran.out == ""
    assert ran.err.count("\n") == 1


def test_events_are_asked_for_as_the_options_say(ratelord, here, answer):
    here.answers(answer(body=[EVENT]))
    ratelord("events", "-n", "5", "--type", "intent_decided", "--agent", "a", "--before", "9")
    target = here.asked[0].target
    for text in ("limit=5", "type=intent_decided", "agent_id=a", "before=9", "order=desc"):
        assert text in target


@pytest.mark.parametrize(
    ("types", "said"),
    [
        ("intent_decide", "'intent_decide'; there are intent_decided"),
        ("intent_decided,nonsense", "'nonsense'; there are "),
        ("", "''; there are "),
    ],
)
def test_an_event_type_that_is_none_is_told_with_those_that_are_near(ratelord, here, types, said):
    ran = ratelord("events", "--type", types)
    assert (ran.code, ran.out) == (2, "")
    assert f"there is no event type {said}" in ran.err
    assert ran.err.count("\n") == 1
    assert here.asked == []


def test_several_event_types_are_asked_for_at_once(ratelord, here, answer):
    here.answers(answer(body=[EVENT]))
    assert ratelord("events", "--type", "intent_decided,intent_reported").code == 0


def test_events_are_followed_from_where_the_page_ends(ratelord, here, answer):
    stream = f"id: 8\nevent: intent_decided\ndata: {json.dumps(EVENT | {'seq': 8})}\n\n".encode()
    here.answers(
        answer(body=[EVENT]),
        answer(body=stream, headers={"content-type": "text/event-stream"}),
        answer(status=403, body={"detail": "enough"}),
    )
    ran = ratelord("events", "--follow", "--json")
    assert [json.loads(line)["seq"] for line in ran.out.splitlines()] == [7, 8]
    assert "after=7" in here.asked[1].target


def test_following_has_no_end_to_give(ratelord, here):
    assert ratelord("events", "--follow", "--to", "2026-01-01T00:00:00Z").code == 2


@pytest.mark.parametrize("format_", ["dot", "mermaid"])
def test_the_graph_is_text_for_other_tools(ratelord, here, answer, format_):
    here.answers(answer(body=b"digraph {}\n", headers={"content-type": "text/plain"}))
    assert ratelord("graph", "--format", format_).out == "digraph {}\n"


def test_a_generated_token_is_shown_once(ratelord, here, answer):
    body = {"identity_id": "pat:me", "status": "registered", "event_id": "e", "token": "tok-1"}
    here.answers(answer(body=body))
    ran = ratelord("identity", "add", "pat:me", "user", "--owner", "team", "--label", "env=dev")
    assert ran.code == 0
    assert ran.out.count("tok-1") == 1
    assert here.asked[0].body == {
        "identity_id": "pat:me", "kind": "user", "owner": "team", "role": "agent",
        "labels": {"env": "dev"},
    }  # fmt: skip


def test_a_given_token_comes_from_the_environment_and_is_never_shown(
    ratelord, here, answer, monkeypatch
):
    monkeypatch.setenv("RATELORD_NEW_TOKEN", "hunter2")
    here.answers(answer(body={"identity_id": "pat:me", "status": "registered", "event_id": "e"}))
    ran = ratelord("identity", "add", "pat:me")
    assert here.asked[0].body["token"] == "hunter2"
    assert "hunter2" not in ran.out + ran.err


@pytest.mark.parametrize("verb", ["rotate", "revoke", "quarantine", "restore"])
def test_identities_change_by_verb(ratelord, here, answer, verb):
    here.answers(answer(body={"identity_id": "pat:me", "status": "active", "event_id": "e"}))
    ran = ratelord("identity", verb, "pat:me", "--json")
    assert ran.json["identity_id"] == "pat:me"
    assert here.asked[0].target == f"/v1/identities/pat%3Ame/{verb}"


def test_a_label_needs_a_value(ratelord, here):
    assert ratelord("identity", "add", "pat:me", "--label", "env").code == 2


@pytest.mark.parametrize(("changed", "wanted"), [(True, "abcdef"), (False, "did not change")])
@pytest.mark.parametrize("words", [("reload",), ("policy", "reload")])
def test_a_reload_says_whether_anything_changed(ratelord, here, answer, words, changed, wanted):
    here.answers(answer(body={"version": "abcdef", "previous": "0", "changed": changed}))
    assert wanted in ratelord(*words).out


def test_a_reader_that_hangs_up_is_no_error(here, answer):
    import subprocess
    import sys

    here.answers(answer(body=[POOL] * 5000))
    command = f"{sys.executable} -m ratelord_core.cli pools --json | head -n 1"
    environment = os.environ | {"RATELORD_URL": here.url}
    done = subprocess.run(
        command, shell=True, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
