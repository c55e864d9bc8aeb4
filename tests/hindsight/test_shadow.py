"""A shadow policy follows the log, tells only what it would have answered otherwise, and hurts
nobody."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ratelord import Client, RequestRefused
from ratelord_core.testing.desk import Desk, desks, patiently

POLICY = "settings: {forecast_model: linear}\npolicies: []\n"
SHADOW = (
    "settings: {forecast_model: linear}\n"
    "policies:\n"
    "  - id: p\n"
    "    rules:\n"
    "      - {name: no-a, condition: \"agent.id == 'agent:a'\", action: deny, params: {reason: not a}}\n"
    "  - {id: cap, scope: global, limit: {amount: 2, window: {kind: calendar, every: day}}}\n"
)


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    with desks(tmp_path, POLICY) as start:
        yield start


def _on(desk: Desk) -> dict[str, Any]:
    return dict(patiently(lambda: _state(desk, "on")))


def _state(desk: Desk, wanted: str) -> dict[str, Any] | None:
    found = dict(desk.get("/v1/policy/shadow"))
    return found if found["state"] == wanted else None


def _children(desk: Desk) -> list[int]:
    """The processes that this daemon started."""
    pid = desk.daemon.pid
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in listed.split()]


def _differences(desk: Desk, count: int) -> list[dict[str, Any]]:
    def enough() -> list[dict[str, Any]] | None:
        found = desk.events("shadow_differed")
        return found if len(found) >= count else None

    return list(patiently(enough))


@pytest.mark.promise("Pol-09")
def test_only_what_a_shadow_would_have_answered_otherwise_is_logged(
    begin: Callable[..., Desk],
) -> None:
    desk = begin()
    desk.ask(agent_id="agent:a")  # before it began: none of its business
    assert desk.get("/v1/policy/shadow")["state"] == "off"

    desk.post("/v1/policy/shadow", {"document": SHADOW}).raise_for_status()
    _on(desk)
    answers = [desk.ask(agent_id=f"agent:{who}", max_wait_seconds=0) for who in "abbb"]

    denied, capped = _differences(desk, 2)
    assert [one["allowed"] for one in answers] == [True] * 4
    assert denied["correlation"]["correlation_id"] == answers[0]["intent_id"]
    assert (denied["payload"]["change"], denied["payload"]["rule"]) == ("denied", "p/no-a")
    assert denied["dimensions"]["agent_id"] == "agent:a"
    assert capped["correlation"]["correlation_id"] == answers[3]["intent_id"]  # its cap is its own
    assert desk.get("/v1/policy/shadow")["differences"] == {"denied": 2}
    assert desk.get("/v1/policy")["version"] != denied["payload"]["version"]


def test_a_shadow_that_is_taken_away_tells_nothing_more(begin: Callable[..., Desk]) -> None:
    desk = begin()
    with Client(desk.daemon.url, timeout=60) as client:
        client.begin_shadow(SHADOW)
        _on(desk)
        client.end_shadow()
        desk.ask(agent_id="agent:a")

        assert client.shadow() == {"state": "off"} | dict.fromkeys(
            ("version", "source", "since", "error")
        ) | {"differences": {}}
        with pytest.raises(RequestRefused):
            client.begin_shadow("policies: [{id: a, rulez: []}]")
    turns = [event["payload"]["state"] for event in desk.events("shadow_turned")]
    assert turns == ["on", "off"]
    assert desk.events("shadow_differed") == []


@pytest.mark.promise("Pol-09")
def test_a_shadow_that_fails_is_named_and_switched_off(begin: Callable[..., Desk]) -> None:
    desk = begin(environment={"RATELORD_SHADOW_POLICY": "shadow.yaml"})
    desk.post("/v1/policy/shadow", {"document": SHADOW}).raise_for_status()
    _on(desk)
    (child,) = _children(desk)

    os.kill(child, signal.SIGKILL)

    failed = patiently(lambda: _state(desk, "failed"))
    assert failed["error"] == "its process ended"
    assert desk.ask(agent_id="agent:a")["allowed"]
    last = desk.events("shadow_turned")[-1]["payload"]
    assert (last["state"], last["detail"]) == ("failed", "its process ended")


def test_a_daemon_begins_with_the_shadow_of_its_settings(
    begin: Callable[..., Desk], tmp_path: Path
) -> None:
    (tmp_path / "shadow.yaml").write_text(SHADOW, encoding="utf-8")
    desk = begin(environment={"RATELORD_SHADOW_POLICY": str(tmp_path / "shadow.yaml")})

    shown = _on(desk)
    told = desk.command("policy", "shadow")

    assert shown["source"] == str(tmp_path / "shadow.yaml")
    assert "is evaluated since" in told.stdout
    assert desk.command("policy", "shadow", "--off").stdout.startswith("No policy is evaluated")


CLOSED = (
    "settings: {forecast_model: linear}\n"
    "policies:\n"
    "  - id: p\n"
    "    rules:\n"
    "      - {name: closed, condition: \"intent.workload_id == 'deploy'\", action: deny,"
    " overridable: OVERRIDABLE}\n"
    "      - {name: last, condition: \"intent.workload_id == 'LAST'\", action: deny}\n"
)


@pytest.mark.parametrize(
    ("overridable", "told"), [("true", ["last"]), ("false", ["closed", "last"])]
)
def test_what_a_human_allowed_a_shadow_allows_too_if_its_own_rule_lets_it_be(
    begin: Callable[..., Desk], overridable: str, told: list[str]
) -> None:
    desk = begin(CLOSED.replace("OVERRIDABLE", "true").replace("LAST", "none"))
    shadow = CLOSED.replace("OVERRIDABLE", overridable).replace("LAST", "end")
    desk.post("/v1/policy/shadow", {"document": shadow}).raise_for_status()
    _on(desk)

    denied = desk.ask(workload_id="deploy")
    allowed = desk.post(f"/v1/intents/{denied['intent_id']}/override", {"reason": "now"}).json()
    desk.ask(workload_id="end")

    assert (denied["allowed"], allowed["allowed"]) == (False, True)
    differences = _differences(desk, len(told))
    assert [one["payload"]["rule"].rpartition("/")[2] for one in differences] == told
