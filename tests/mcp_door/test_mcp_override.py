"""A denial that policy marks overridable: the human behind the client has the last word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, types

from ratelord_core.arbiter import EventFilter
from ratelord_core.model.caller import Caller
from ratelord_core.testing.daemon_process import DaemonProcess
from ratelord_core.testing.living_arbiter import living
from ratelord_mcp.server import build

POLICY = """
pools: [{id: cap/day, limit: 1, window: {kind: fixed, every: 1h}, shared_by: ["*"]}]
policies:
  - id: night
    rules: [{name: closed, condition: "intent.workload_id == 'deploy'", action: deny, overridable: true}]
  - id: law
    rules: [{name: never, condition: "intent.workload_id == 'drop'", action: deny}]
"""
ASKED = {"agent_id": "bot", "identity_id": "pat:a", "scope_id": "global", "max_wait_seconds": 0}


class Human:
    """Answers as told, and remembers what it was asked."""

    def __init__(self, action: str = "accept", **content: Any) -> None:
        self.asked: list[str] = []
        self._answer = types.ElicitResult.model_validate(
            {"action": action, "content": content or None}
        )

    async def __call__(self, _context: Any, params: Any) -> types.ElicitResult:
        self.asked.append(params.message)
        return self._answer


async def asks(
    human: Human | None, era: Any, workload: str = "deploy", times: int = 1, **caller: Any
) -> tuple[list[dict[str, Any]], list[Any]]:
    """What an agent is told, and which overrides the log has."""
    async with living(POLICY) as alive:
        server = build(alive.arbiter, lambda _context: Caller(door="mcp", **caller))
        async with Client(server, mode=era, elicitation_callback=human) as client:
            told = []
            for _ in range(times):
                result = await client.call_tool("ask_intent", {**ASKED, "workload_id": workload})
                assert not result.is_error
                told.append(dict(result.structured_content or {}))
        events = await alive.arbiter.events(EventFilter(types=("policy_overridden",)))
        return told, [event.payload for event in events]


@pytest.mark.parametrize("era", ["auto", "legacy"])
def test_a_yes_lets_it_pass_and_is_logged(run: Callable[..., Any], era: str) -> None:
    human = Human(allow=True, reason="it burns")

    (told,), (logged,) = run(asks, human, era)

    assert told["allowed"]
    assert "bot wants to do deploy in global" in human.asked[0]
    assert "rule 'closed'" in human.asked[0]
    assert logged["decided"] == told["intent_id"]
    assert (logged["by"], logged["reason"]) == ("human at mcp", "it burns")


@pytest.mark.parametrize("era", ["auto", "legacy"])
@pytest.mark.parametrize("human", [Human("decline"), Human("cancel"), Human(allow=False), None])
def test_anything_but_a_clear_yes_is_a_plain_denial(
    run: Callable[..., Any], era: str, human: Human | None
) -> None:
    (told,), logged = run(asks, human, era)

    assert not told["allowed"]
    assert "rule 'closed'" in told["reason"]
    assert logged == []


@pytest.mark.parametrize("era", ["auto", "legacy"])
def test_a_rule_without_the_mark_is_not_put_to_anybody(run: Callable[..., Any], era: str) -> None:
    human = Human(allow=True)

    (told,), _ = run(asks, human, era, "drop")

    assert not told["allowed"]
    assert human.asked == []


@pytest.mark.parametrize("era", ["auto", "legacy"])
def test_a_human_cannot_allow_more_than_there_is(run: Callable[..., Any], era: str) -> None:
    told, logged = run(asks, Human(allow=True), era, "deploy", 3)

    assert [one["allowed"] for one in told] == [True, False, False]
    assert [one["allowed"] for one in logged].count(True) == 1


def test_a_token_is_named_as_who_allowed_it(run: Callable[..., Any]) -> None:
    async def scene() -> Any:
        return await asks(Human(allow=True), "legacy", role="agent", identity_id="pat:a")

    _, (logged,) = run(scene)

    assert logged["by"] == "human at pat:a"


def test_over_http_the_human_is_asked_in_either_era(
    tmp_path: Path, run: Callable[..., Any]
) -> None:
    async def scene(url: str) -> list[Any]:
        allowed = []
        for era in ("auto", "legacy"):
            human = Human(allow=True)
            async with Client(f"{url}/mcp", mode=era, elicitation_callback=human) as client:
                question = {**ASKED, "agent_id": era, "workload_id": "deploy", "dry_run": False}
                result = await client.call_tool("ask_intent", question)
                allowed.append((len(human.asked), (result.structured_content or {})["allowed"]))
        return allowed

    policy = POLICY.replace("limit: 1,", "limit: 2,")
    with DaemonProcess(tmp_path, policy=policy) as daemon:
        assert run(scene, daemon.url) == [(1, True), (1, True)]
