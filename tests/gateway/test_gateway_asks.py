"""Every tool call is asked for first, and its outcome reported."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_core.testing.desk import Desk, patiently
from ratelord_core.testing.held_wire import HeldWire

Wrap = Callable[..., Any]


def text_of(result: dict[str, Any]) -> str:
    return str(result["content"][0]["text"])


def reported(desk: Desk, workload: str) -> list[dict[str, Any]]:
    """The reports on a kind of work, oldest first."""
    events = desk.get(f"/v1/events?type=intent_reported&order=asc&workload_id={workload}")
    return [event["payload"] for event in events]


def test_a_call_is_held_reported_and_attributed(wrap: Wrap, desk: Desk) -> None:
    gateway = wrap("used", "--agent", "bot", "--identity", "pat:x", "--scope", "env:used")

    assert text_of(gateway.call("echo", a=1)) == '{"a": 1}'

    (asked,) = desk.get("/v1/events?type=intent_submitted&workload_id=used/echo")
    assert asked["dimensions"] == {
        "agent_id": "bot",
        "identity_id": "pat:x",
        "workload_id": "used/echo",
        "scope_id": "env:used",
    }
    used = desk.pool("cap/used")
    assert (used["held"], used["used"]) == (0, 1)
    (report,) = reported(desk, "used/echo")
    assert report["settled"] == [["cap/used", 1]]


def test_what_passes_one_gateway_is_one_run_unless_it_is_told_to_belong_to_another(
    wrap: Wrap,
) -> None:
    def refused(gateway: Any) -> list[bool]:
        return [gateway.call("echo", number).get("isError", False) for number in (1, 2)]

    assert refused(wrap("runs")) == [False, True]
    assert refused(wrap("runs")) == [False, True]
    assert refused(wrap("runs", "--run-id", "nightly-7")) == [False, True]
    assert refused(wrap("runs", "--run-id", "nightly-7")) == [True, True]


def test_a_refusal_says_when_to_come_back_and_the_server_never_sees_the_call(
    wrap: Wrap, desk: Desk
) -> None:
    gateway = wrap("two")
    gateway.ask("tools/list")
    assert [gateway.call("echo", n).get("isError") for n in (1, 2)] == [None, None]

    refused, shaped = gateway.call("echo", 3), gateway.call("shaped", 4)

    assert refused["isError"]
    facts = refused["structuredContent"]
    assert (facts["allowed"], facts["tightest_pool"]) == (False, "cap/two")
    assert facts["retry_at"] > "2026"
    assert f"retry_at={facts['retry_at']}" in text_of(refused)
    assert refused["_meta"]["dev.ratelord/decision"] == facts
    assert "structuredContent" not in shaped, "that tool promised a shape of its own"
    assert shaped["_meta"]["dev.ratelord/decision"]["reason_code"] == "wait_too_long"
    direct = gateway.ask("x.example/none", {}, 5)["error"]["message"]
    assert direct == "no x.example/none"
    assert desk.pool("cap/two")["used"] == 2


def test_a_call_waits_for_its_turn_and_tells_so(wrap: Wrap, desk: Desk) -> None:
    gateway = wrap("turn")
    gateway.call("echo")
    params = {"name": "progress", "_meta": {"progressToken": "p"}}

    gateway.send("tools/call", params, 2)
    heard = [gateway.read()]
    while "id" not in heard[-1]:
        heard.append(gateway.read())

    begun, ended = (
        desk.get(f"/v1/events?type={kind}&workload_id=turn/progress")[0]
        for kind in ("intent_decided", "intent_reported")
    )
    passed = datetime.fromisoformat(ended["ts_event"]) - datetime.fromisoformat(begun["ts_event"])
    assert passed >= timedelta(microseconds=begun["payload"]["start"]) > timedelta()
    assert text_of(heard.pop()["result"]) == "done"
    said = [message["params"] for message in heard]
    assert "waits" in said[0]["message"]
    steps = [each["progress"] for each in said]
    assert steps == sorted(set(steps)), "progress only grows"
    assert steps[-3:] == [0, 1, 2], "the server's own passes as it is"


def test_a_wait_beyond_the_limit_is_a_refusal(wrap: Wrap) -> None:
    gateway = wrap("slow", "--max-wait", "0.2")
    for number in range(2):
        last = gateway.call("echo", number)

    assert last["isError"]
    assert "structuredContent" in last


def test_cost_is_learned_from_what_the_result_tells(wrap: Wrap, desk: Desk) -> None:
    gateway = wrap("llm")

    gateway.call("usage", tokens=37)

    assert desk.pool("cap/tokens")["used"] == 37
    assert reported(desk, "llm/usage")[0]["learn"]


def test_the_mapping_says_where_and_how_much_from_the_arguments(wrap: Wrap, desk: Desk) -> None:
    gateway = wrap("mapped")

    gateway.call("echo", 1, repo="acme/api", n=7)
    refused = gateway.call("echo", 2, repo="acme/api")
    counted = gateway.call("count", 3)

    (asked,) = desk.get("/v1/events?type=intent_submitted&workload_id=mapped/echo")
    assert asked["dimensions"]["scope_id"] == "repo:acme/api"
    assert asked["payload"]["costs"] == {"cap/mapped": "7"}
    assert desk.pool("cap/mapped")["used"] == 1, "what it really cost is in the result"
    assert "costs.cap/mapped of tools entry 'mapped/*' has no value" in text_of(refused)
    assert json.loads(text_of(counted)) == ["echo", "count"], "the second never got there"
    assert desk.get("/v1/events?type=intent_submitted&workload_id=mapped/count") == []


@pytest.mark.parametrize(
    ("tool", "said"),
    [
        ("fail", {"said": "HTTP 429: Too Many Requests, retry after 90 seconds"}),
        ("refuse", {"said": "rate limit exceeded, try again in 90s", "code": -32000}),
    ],
)
def test_a_limit_that_the_tool_met_is_reported_and_observed(
    wrap: Wrap, tmp_path: Any, tool: str, said: dict[str, Any]
) -> None:
    policy = (
        "providers: {mock: [{id: m, poll_interval: 1h,\n"
        "  pools: {p: {limit: 50, window: {kind: fixed, every: 1h}}}}]}\n"
    )
    with DaemonProcess(tmp_path, policy=policy) as daemon:
        desk, gateway = Desk(daemon), wrap("prov", url=daemon.url)
        patiently(lambda: desk.get("/v1/health")["status"] == "ok")

        answer = gateway.call(tool, **said)

        assert said["said"] in json.dumps(answer), "the answer passes as it is"
        assert reported(desk, f"prov/{tool}")[0]["outcome"] == "rate_limited"
        pool = desk.pool("m/p")
        assert pool["available"] == 0
        (seen,) = desk.events("usage_observed")
        assert seen["payload"]["observation"]["remaining"] == 0
        assert seen["payload"]["observation"]["reset_at"]


def cancelled(gateway: Any, number: int) -> None:
    gateway.send("notifications/cancelled", {"requestId": number, "reason": "enough"})


def test_a_call_that_is_cancelled_while_it_waits_frees_what_was_held(
    wrap: Wrap, desk: Desk
) -> None:
    gateway = wrap("turn")
    first = gateway.call("echo", 1)
    gateway.send("tools/call", {"name": "slow", "_meta": {"progressToken": 1}}, 2)
    assert "waits" in gateway.read()["params"]["message"]

    cancelled(gateway, 2)

    patiently(lambda: reported(desk, "turn/slow"))
    assert reported(desk, "turn/slow")[0]["outcome"] == "cancelled"
    assert desk.pool("cap/turn")["held"] == 0
    assert "slow" not in text_of(gateway.call("count", 3)), "the server never saw it"
    assert not first.get("isError")


def test_a_client_that_hangs_up_right_after_cancelling_leaves_nothing_held(
    wrap: Wrap, desk: Desk
) -> None:
    with HeldWire(desk.daemon.url) as wire:
        gateway = wrap("left", url=wire.url)
        gateway.call("echo", 1)
        wire.hold()
        gateway.send("tools/call", {"name": "slow"}, 2)
        patiently(lambda: desk.get("/v1/events?type=intent_decided&workload_id=left/slow"))
        cancelled(gateway, 2)
        gateway.process.stdin.close()
        assert not wire.left.wait(0.5)

        wire.let_go()

        assert gateway.end() == 0
        assert gateway.noted == []
    assert [report["outcome"] for report in reported(desk, "left/slow")] == ["cancelled"]


@pytest.mark.parametrize(("name", "used"), [("asked", 0), ("jobs", 0)])
def test_a_call_that_is_cancelled_in_mid_flight_frees_what_was_held(
    wrap: Wrap, desk: Desk, name: str, used: int
) -> None:
    gateway = wrap(name)
    gateway.send("tools/call", {"name": "slow"}, 2)
    assert gateway.read()["params"]["data"] == "began"
    assert desk.pool(f"cap/{name}")["held"] == 1

    cancelled(gateway, 2)

    assert gateway.read()["params"]["data"] == "stopped", "the server was told"
    (report,) = patiently(lambda: reported(desk, f"{name}/slow"))
    assert report["outcome"] == ("error" if name == "jobs" else "cancelled")
    pool = desk.pool(f"cap/{name}")
    assert (pool["held"], pool["used"]) == (0, used)


def test_nothing_is_left_held_when_the_client_hangs_up(wrap: Wrap, desk: Desk) -> None:
    gateway = wrap("hung")
    gateway.send("tools/call", {"name": "slow"}, 1)
    gateway.read()
    assert desk.pool("cap/hung")["held"] == 1

    assert gateway.end() == 0

    assert desk.pool("cap/hung")["held"] == 0


def test_no_way_of_writing_a_call_gets_past(wrap: Wrap, desk: Desk) -> None:
    gateway = wrap("full")  # if its cap is not yet used up, it soon is
    for number in (1, 2):
        gateway.call("echo", number)
    batch = [{"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "echo"}}]
    gateway.write(json.dumps([*batch, {"jsonrpc": "2.0", "id": 4, "method": "ping"}]).encode())
    answers = {found["id"]: found for found in (gateway.read(), gateway.read())}
    assert answers[3]["result"]["isError"]
    assert answers[4]["result"] == {}

    gateway.write(b'{"jsonrpc":"2.0","id":5,"method":"tools/call","method":"ping"}')
    assert gateway.read() == {"jsonrpc": "2.0", "id": 5, "result": {}}
    gateway.write(
        b'{"jsonrpc":"2.0","id":6,"method":"ping","method":"tools/call","params":{"name":"echo"}}'
    )
    assert gateway.read()["result"]["isError"]
    gateway.write(b'{"jsonrpc":"2.0","method":"tools/call","params":{"name":"echo"}}')
    gateway.write(b'{"jsonrpc":"2.0","id":7,"\\u006dethod":"tools/call","params":{"name":"echo"}}')
    assert gateway.read()["result"]["isError"]
    assert desk.pool("cap/full")["used"] == 2


@pytest.fixture
def mortal(tmp_path: Any) -> Iterator[DaemonProcess]:
    """A daemon of the test's own."""
    policy = "pools: [{id: cap/a, limit: 1, window: {kind: fixed, every: 1h}, shared_by: ['*']}]\n"
    environment = {"RATELORD_SOCKET": str(tmp_path / "daemon.sock")}
    with DaemonProcess(tmp_path, policy=policy, environment=environment) as daemon:
        yield daemon


def test_without_a_daemon_calls_are_refused_all_else_passes_and_it_recovers(
    wrap: Wrap, mortal: DaemonProcess
) -> None:
    socket = str(mortal.folder / "daemon.sock")
    gateway = wrap("lone", socket=socket)
    open_handed = wrap("lone", "--on-unreachable", "allow", socket=socket)
    mortal.kill()

    refused = gateway.call("echo", 1)
    assert refused["structuredContent"]["reason_code"] == "daemon_unreachable"
    assert gateway.ask("ping", {}, 2)["result"] == {}
    assert text_of(open_handed.call("echo", 1, a=2)) == '{"a": 2}'

    mortal.start()
    patiently(lambda: not gateway.call("echo", 3).get("isError"))


def test_a_changed_policy_counts_with_the_very_next_call(wrap: Wrap, mortal: DaemonProcess) -> None:
    gateway, desk = wrap("s", url=mortal.url), Desk(mortal)
    assert not gateway.call("echo", 1).get("isError")
    mortal.policy.write_text(
        "pools: [{id: cap/b, limit: 9, window: {kind: fixed, every: 1h}, shared_by: ['work']}]\n"
        "tools: [{match: s/echo, workload: work, costs: {cap/b: 4}}, {match: s/count, ask: false}]\n"
    )
    assert desk.post("/v1/policy/reload").status_code == 200

    assert not gateway.call("echo", 2).get("isError")

    assert desk.pool("cap/b")["used"] == 4
    assert all(pool["held"] == 0 for pool in desk.pools())
