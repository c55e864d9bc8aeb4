"""A human allows once what a rule denied: the rule steps back, everything else stands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ratelord_core.arbiter import EventFilter
from ratelord_core.errors import Conflict, NotFound
from ratelord_core.model.caller import LOCAL_OPERATOR, Caller
from ratelord_core.model.decision import Decision
from ratelord_core.model.intent import Intent
from ratelord_core.testing.living_arbiter import LivingArbiter, living

POLICY = """
pools: [{id: cap/day, limit: 5, window: {kind: fixed, every: 1h}, shared_by: ["*"]}]
policies:
  - id: night
    rules:
      - {name: closed, condition: "intent.workload_id != 'free'", action: deny, overridable: true,
         params: {reason: we sleep}}
      - {name: never, condition: "intent.workload_id == 'drop'", action: deny}
"""


def intent(workload: str = "deploy", **fields: Any) -> Intent:
    return Intent("bot", "pat:a", workload, "global", **{"max_wait": 0, **fields})


def played(policy: str, scene: Callable[[LivingArbiter], Awaitable[None]]) -> None:
    async def play() -> None:
        async with living(policy) as alive:
            await scene(alive)

    asyncio.run(play())


async def denied(alive: LivingArbiter, *args: Any, **fields: Any) -> Decision:
    decision = await alive.arbiter.ask(intent(*args, **fields), LOCAL_OPERATOR)
    assert not decision.allowed
    return decision


async def override(alive: LivingArbiter, of: Decision, caller: Caller = LOCAL_OPERATOR) -> Decision:
    return await alive.arbiter.override(of.intent_id, "ann", "the fix cannot wait", caller)


async def overrides(alive: LivingArbiter) -> list[Any]:
    return await alive.arbiter.events(EventFilter(types=("policy_overridden",)))


def test_a_denial_by_an_overridable_rule_is_decided_again_without_it() -> None:
    async def scene(alive: LivingArbiter) -> None:
        no = await denied(alive, expected_cost=2)
        assert no.decided_by is not None
        assert no.decided_by.overridable

        yes = await override(alive, no)

        assert yes.allowed
        assert yes.intent_id != no.intent_id
        assert [(hold.pool, hold.units) for hold in yes.holds] == [("cap/day", 2)]
        assert "overridden policy 'night'" in " ".join(yes.warnings)
        (event,) = await overrides(alive)
        assert event.payload == {
            "policy_id": "night",
            "rule": "closed",
            "by": "ann",
            "reason": "the fix cannot wait",
            "decided": yes.intent_id,
            "allowed": True,
        }
        assert event.correlation["correlation_id"] == no.intent_id
        assert event.dimensions["agent_id"] == "bot"

    played(POLICY, scene)


def test_a_second_override_gives_the_same_answer_and_holds_nothing_twice() -> None:
    async def scene(alive: LivingArbiter) -> None:
        no = await denied(alive, expected_cost=2)

        first, second = await asyncio.gather(override(alive, no), override(alive, no))

        assert first.intent_id == second.intent_id
        assert alive.arbiter.pool("cap/day").held == 2
        assert len(await overrides(alive)) == 1

    played(POLICY, scene)


def test_an_override_never_takes_a_pool_past_its_limit() -> None:
    async def scene(alive: LivingArbiter) -> None:
        answers = [await override(alive, await denied(alive)) for _ in range(8)]

        assert [answer.allowed for answer in answers] == [True] * 5 + [False] * 3
        assert {answer.reason_code for answer in answers[5:]} == {"pool_exhausted"}
        assert alive.arbiter.pool("cap/day").held == 5
        told = [event.payload["allowed"] for event in await overrides(alive)]
        assert sorted(told) == [False] * 3 + [True] * 5

    played(POLICY, scene)


def test_another_rule_goes_on_to_deny() -> None:
    async def scene(alive: LivingArbiter) -> None:
        answer = await override(alive, await denied(alive, "drop"))

        assert not answer.allowed
        assert answer.decided_by is not None
        assert (answer.decided_by.rule, answer.decided_by.overridable) == ("never", False)
        with pytest.raises(Conflict) as refused:
            await override(alive, answer)
        assert refused.value.code == "not_overridable"

    played(POLICY, scene)


def test_what_no_rule_denied_cannot_be_overridden() -> None:
    async def scene(alive: LivingArbiter) -> None:
        full = await denied(alive, "free", expected_cost=99)
        with pytest.raises(Conflict) as refused:
            await override(alive, full)
        assert refused.value.code == "not_overridable"
        fine = await alive.arbiter.ask(intent("free"), LOCAL_OPERATOR)
        with pytest.raises(Conflict) as refused:
            await override(alive, fine)
        assert refused.value.code == "not_denied"
        assert not await overrides(alive)

    played(POLICY, scene)


def test_a_rule_that_lost_its_mark_meanwhile_stands() -> None:
    async def scene(alive: LivingArbiter) -> None:
        no = await denied(alive)
        alive.text = POLICY.replace("overridable: true,", "")
        await alive.arbiter.reload_policy(LOCAL_OPERATOR)

        with pytest.raises(Conflict, match="no longer overridable"):
            await override(alive, no)

    played(POLICY, scene)


def test_a_token_finds_the_denials_of_its_own_identity_only() -> None:
    async def scene(alive: LivingArbiter) -> None:
        no = await denied(alive)
        with pytest.raises(NotFound):
            await override(alive, no, Caller("agent", "pat:other", "mcp"))

        assert (await override(alive, no, Caller("agent", "pat:a", "mcp"))).allowed
        (event,) = await overrides(alive)
        assert event.source["origin_kind"] == "mcp"

    played(POLICY, scene)


def test_a_wait_that_was_too_long_for_the_asker_may_be_overridden_too() -> None:
    policy = POLICY.replace(
        "action: deny, overridable: true,\n", "action: delay, overridable: true,\n"
    )
    policy = policy.replace("params: {reason: we sleep}", "params: {wait_seconds: 60}")

    async def scene(alive: LivingArbiter) -> None:
        no = await denied(alive)
        assert no.reason_code == "wait_too_long" or no.reason_code == "policy"

        yes = await override(alive, no)

        assert yes.allowed
        assert not yes.modifications.wait

    played(policy, scene)


def test_why_tells_who_allowed_it() -> None:
    async def scene(alive: LivingArbiter) -> None:
        no = await denied(alive)
        yes = await override(alive, no)

        story = await alive.arbiter.explain(no.intent_id)
        again = await alive.arbiter.explain(yes.intent_id)

        assert story["overrides"][0]["by"] == "ann"
        assert any(line.startswith("ann overrode rule night/closed") for line in story["story"])
        assert again["overrides"] == []
        assert any(
            "overridden policy 'night'" in step["reason"] for step in again["decision"]["trace"]
        )

    played(POLICY, scene)
