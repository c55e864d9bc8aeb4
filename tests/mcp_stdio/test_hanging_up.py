"""A host that hangs up leaves nothing held behind, and nothing on standard error."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_core.testing.desk import Desk, patiently
from ratelord_core.testing.held_wire import HeldWire

POLICY = "pools: [{id: team/requests, limit: 1000, window: {kind: fixed, every: 1h}}]"
NAMES = {"agent_id": "a", "identity_id": "pat:me", "workload_id": "scan", "scope_id": "global"}
CALL = {"name": "ask_intent", "arguments": NAMES}
CALLS = (1001, 1002, 1003)


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with DaemonProcess(tmp_path_factory.mktemp("left"), policy=POLICY) as daemon:
        yield Desk(daemon)


@pytest.fixture
def wire(left: Desk) -> Iterator[HeldWire]:
    with HeldWire(left.daemon.url) as wire:
        yield wire


@pytest.fixture
def host(spawn: Any, wire: HeldWire) -> Any:
    """One that knows its daemon, behind the wire."""
    one = spawn("--url", wire.url)
    one.greet()
    one.call("check_usage")
    return one


def held(desk: Desk) -> int:
    return int(desk.pool("team/requests")["held"])


def ask_and_cancel(host: Any, wire: HeldWire, desk: Desk) -> None:
    """Calls that are granted, and cancelled before the process hears of it, and one that is
    neither: its end tells that the process has seen its input end."""
    wire.hold()
    for number in (*CALLS, "last"):
        host.send("tools/call", CALL, id=number)
    patiently(lambda: held(desk) == len(CALLS) + 1)
    for number in CALLS:
        host.send("notifications/cancelled", {"requestId": number})
    host.process.stdin.close()
    ended = host.next()
    assert (ended["id"], ended["error"]["message"]) == ("last", "Connection closed")


def test_calls_that_are_cancelled_right_before_hold_nothing(
    host: Any, wire: HeldWire, left: Desk
) -> None:
    ask_and_cancel(host, wire, left)

    assert not wire.left.wait(0.1)
    wire.let_go()

    assert host.process.wait(60) == 0
    assert host.errors() == ""
    assert held(left) == 0
    assert {event["payload"]["outcome"] for event in left.events("intent_reported")} == {
        "cancelled"
    }


def test_a_daemon_that_is_gone_then_is_not_waited_for_and_no_traceback_told(
    host: Any, wire: HeldWire, left: Desk
) -> None:
    ask_and_cancel(host, wire, left)

    wire.cut()

    assert host.process.wait(60) == 0
    assert host.errors() == ""
    free_all(left)


@pytest.mark.parametrize("stop", [None, signal.SIGTERM])
def test_a_daemon_that_says_nothing_then_is_left_in_time(
    stop: signal.Signals | None, host: Any, wire: HeldWire, left: Desk
) -> None:
    ask_and_cancel(host, wire, left)

    if stop is not None:
        host.process.send_signal(stop)

    assert host.process.wait(60) == 0
    assert host.errors() == ""
    wire.let_go()
    free_all(left)


def free_all(desk: Desk) -> None:
    """What a process could not give back."""
    settled = {event["correlation"]["correlation_id"] for event in desk.events("intent_reported")}
    for intent in desk.decided() - settled:
        assert desk.post(f"/v1/intents/{intent}/report", {"outcome": "cancelled"}).is_success
    assert held(desk) == 0, json.dumps(desk.pool("team/requests"))


def test_what_was_asked_before_the_input_ended_is_answered_or_holds_nothing(
    host: Any, left: Desk
) -> None:
    for number in range(1000, 1020):
        host.send("tools/call", CALL, id=number)

    assert host.hang_up() == 0
    host.close()

    answers = [message for line in host.raw if (message := json.loads(line))["id"] >= 1000]
    told = [answer for answer in answers if "result" in answer]
    assert told
    assert held(left) == len(told)
    assert host.raw[-1].endswith(b"\n")
    free_all(left)
