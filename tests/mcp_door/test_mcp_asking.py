"""Asking and reporting as a model does, in both eras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ratelord_core.model.caller import Caller

Run = Callable[..., Any]
Visit = Callable[..., Any]


def test_an_approval_says_what_an_agent_needs_to_act(visit: Visit, run: Run) -> None:
    async def scene() -> None:
        async with visit() as guest:
            answer = await guest.ask(expected_cost=2)

            assert answer == {
                "decision": "approve",
                "allowed": True,
                "reason_code": "ok",
                "reason": "approved: 98 left in team/requests",
                "intent_id": answer["intent_id"],
                "wait_seconds": 0,
                "retry_at": None,
                "tightest_pool": "team/requests",
                "remaining": 98,
                "valid_until": "2026-01-01T00:01:00.000000Z",
                "modifications": {},
                "alerts": [],
            }

    run(scene)


def test_a_denial_is_a_normal_result_that_says_when_to_come_back(visit: Visit, run: Run) -> None:
    async def scene() -> None:
        async with visit() as guest:
            answer = await guest.ask(workload_id="rare", expected_cost=3)
            assert answer["allowed"]

            denied = await guest.ask(workload_id="rare", max_wait_seconds=0)

            assert denied["decision"] == "deny_with_reason"
            assert denied["reason_code"] == "pool_exhausted"
            assert denied["retry_at"] > "2026-01-01T01:00:00"
            assert denied["valid_until"] is None

    run(scene)


def test_a_report_settles_the_intent_and_a_second_one_changes_nothing(
    visit: Visit, run: Run
) -> None:
    async def scene() -> None:
        async with visit() as guest:
            asked = await guest.ask(expected_cost=10)
            report = {"intent_id": asked["intent_id"], "outcome": "success", "actual_cost": 4}

            first = await guest.told("report_usage", **report)
            second = await guest.told("report_usage", **report)

            assert first["settled"] == [{"pool": "team/requests", "held": 10, "settled": 4}]
            assert not first["duplicate"]
            assert second["duplicate"]
            assert guest.alive.arbiter.pool("team/requests").used == 4

    run(scene)


def test_a_token_says_who_asks_and_a_name_in_the_arguments_is_only_a_claim(
    visit: Visit, run: Run
) -> None:
    caller = Caller("agent", "svc:crawler", "mcp", agent_id="crawler")

    async def scene() -> None:
        async with visit(caller=caller) as guest:
            await guest.told(
                "ask_intent", agent_id="somebody-else", workload_id="scan", scope_id="global"
            )

            (row,) = guest.alive.arbiter.usage()
            assert (row.agent_id, row.identity_id) == ("crawler", "svc:crawler")
            line = await guest.mistaken(
                "ask_intent", identity_id="pat:rmax", workload_id="scan", scope_id="global"
            )
            assert line == (
                "this token is of identity svc:crawler, not of pat:rmax; leave identity_id out"
            )

    run(scene)


def test_a_long_action_that_goes_on_names_the_intent_that_it_renews(visit: Visit, run: Run) -> None:
    async def scene() -> None:
        async with visit() as guest:
            first = await guest.ask()

            again = await guest.ask(renews=first["intent_id"])

            story = await guest.alive.arbiter.explain(again["intent_id"])
            assert story["intent"]["renews"] == first["intent_id"]
            names = {"agent_id": "a", "identity_id": "i", "workload_id": "w", "scope_id": "global"}
            refused = await guest.mistaken("ask_intent", **names, renews="the last one")
            assert refused.startswith("renews: 'the last one' is not an intent_id")

    run(scene)


def test_a_viewer_may_not_ask(visit: Visit, run: Run) -> None:
    async def scene() -> None:
        async with visit(caller=Caller("viewer", "id:viewer", "mcp")) as guest:
            line = await guest.mistaken(
                "ask_intent", agent_id="a", identity_id="i", workload_id="w", scope_id="global"
            )

            assert line == "role viewer may only look; use a token of role agent"

    run(scene)
