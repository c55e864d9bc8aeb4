"""Overriding over HTTP and from the command line, against a real daemon."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx2
import pytest

from ratelord import Client, RequestRefused
from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_core.testing.desk import Desk, patiently

POLICY = """
providers:
  mock: [{id: mock, identity: pat:prod, poll_interval: 1h, pools: {small: {limit: 3, window: {kind: fixed, every: 1h}}}}]
workloads: {deploy: {consumes: {mock/small: 1}}}
policies:
  - id: night
    rules: [{name: closed, condition: "intent.agent_id == 'agent:one'", action: deny, overridable: true}]
tools:
  - {match: gh/*, scope: "repo:${args.repo}", costs: {mock/small: 2}, max_wait: 5s}
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with DaemonProcess(tmp_path_factory.mktemp("override"), policy=POLICY) as daemon:
        desk = Desk(daemon)
        patiently(lambda: desk.get("/v1/health")["status"] == "ok")
        yield desk


def test_overriding_over_http_logs_who_and_why_and_stays_within_the_provider_limit(
    desk: Desk,
) -> None:
    answers = []
    for _ in range(5):
        no = desk.ask(workload_id="deploy", identity_id="pat:prod", max_wait_seconds=0)
        assert no["decided_by"] == {"policy_id": "night", "rule": "closed", "overridable": True}
        path = f"/v1/intents/{no['intent_id']}/override"
        answers.append(desk.post(path, {"by": "ann", "reason": "now"}).json())

    assert [answer["allowed"] for answer in answers] == [True] * 3 + [False] * 2
    assert desk.pool("mock/small")["held"] == 3
    told = desk.events("policy_overridden")
    assert [event["payload"]["by"] for event in told] == ["ann"] * 5
    assert {event["source"]["origin_kind"] for event in told} == {"http"}


def test_the_command_line_overrides_and_says_what_came_of_it(desk: Desk) -> None:
    no = desk.ask(workload_id="elsewhere", max_wait_seconds=0)

    done = desk.command(
        "override", no["intent_id"], "--by", "ben", "--reason", "trust me", "--json"
    )

    answer = json.loads(done.stdout)
    assert (done.returncode, answer["allowed"]) == (0, True)
    assert desk.command("override", answer["intent_id"]).returncode == 1
    said = desk.command("explain", no["intent_id"]).stdout
    assert "ben overrode rule night/closed" in said
    assert "(trust me)" in said


def test_only_an_admin_overrides(desk: Desk) -> None:
    with Client(desk.daemon.url, timeout=60) as operator:
        token = operator.register_identity("pat:one", "service", role="agent").token
        no = operator.ask("agent:one", "pat:one", "x", max_wait=0)
        assert no.overridable
        with Client(desk.daemon.url, token=token, timeout=60) as agent:
            with pytest.raises(RequestRefused) as refused:
                agent.override(no.intent_id)
            assert refused.value.status == 403
            assert agent.tool_mapping()["tools"][0]["match"] == "gh/*"

        assert operator.override(no.intent_id, reason="fine").allowed


def test_an_identity_that_passes_on_what_humans_say_overrides_its_own_denials(desk: Desk) -> None:
    added = desk.command("identity", "add", "svc:gate", "--may-override", "--json")
    token = json.loads(added.stdout)["token"]
    with (
        Client(desk.daemon.url, timeout=60) as operator,
        Client(desk.daemon.url, token=token, timeout=60) as gate,
    ):
        own = operator.ask("agent:one", "svc:gate", "x", max_wait=0)
        other = operator.ask("agent:one", "pat:other", "x", max_wait=0)

        assert gate.override(own.intent_id, by="human at editor", reason="now").allowed
        with pytest.raises(RequestRefused) as refused:
            gate.override(other.intent_id, by="human at editor")
        assert refused.value.status == 404
        with pytest.raises(RequestRefused):
            gate.reload_policy()

    told = desk.events("policy_overridden")[-1]["payload"]
    assert told["by"] == "human at editor through svc:gate"


def test_what_is_no_denial_is_a_conflict(desk: Desk) -> None:
    yes = desk.ask(agent_id="agent:two", workload_id="x")

    refused = desk.post(f"/v1/intents/{yes['intent_id']}/override", {})

    assert (refused.status_code, refused.json()["code"]) == (409, "not_denied")
    nobody = "0" * 32
    assert desk.post(f"/v1/intents/{nobody}/override").status_code == 404
    bad = desk.post(f"/v1/intents/{yes['intent_id']}/override", {"by": ""})
    assert bad.status_code == 400


def test_an_override_survives_a_restart(desk: Desk) -> None:
    no = desk.ask(workload_id="elsewhere", max_wait_seconds=0)
    path = f"/v1/intents/{no['intent_id']}/override"
    first = desk.post(path, {"by": "ann"}).json()
    desk.daemon.kill()
    desk.daemon.start()
    patiently(lambda: desk.get("/v1/health")["status"] == "ok")

    again = desk.post(path, {"by": "ann"}).json()

    assert again["intent_id"] == first["intent_id"]
    assert httpx2.get(desk.daemon.url + f"/v1/intents/{no['intent_id']}", timeout=60).json()[
        "overrides"
    ]


def test_the_tool_mapping_says_what_costs_must_know_of_pools(desk: Desk) -> None:
    told = desk.get("/v1/policy/tools")

    assert told["version"] == desk.get("/v1/policy")["version"]
    assert told["pools"] == {"mock/small": {"unit": "requests", "local": False}}
    assert told["tools"] == [
        {
            "match": "gh/*",
            "scope": "repo:${args.repo}",
            "costs": {"mock/small": 2.0},
            "max_wait": "5s",
        }
    ]


def test_the_client_tells_what_it_saw(desk: Desk) -> None:
    with Client(desk.daemon.url, timeout=60) as client:
        seen = client.observe("mock", pool_id="small", remaining=0)

    assert seen.pools == ("mock/small",)
    assert desk.pool("mock/small")["available"] == 0
