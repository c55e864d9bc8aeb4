"""Looking through MCP: tools, resources, the prompt, completions; in both eras."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from mcp import MCPError, types

from ratelord_core.model.caller import Caller
from ratelord_core.model.identity import Identity

Run = Callable[..., Any]
Visit = Callable[..., Any]

AGENT = Caller("agent", "pat:rmax", "mcp", agent_id="crawler-01")
MEMBERS = """
pools:
  - {id: team/mine, limit: 10, window: {kind: fixed, every: 60s}, members: [pat:rmax]}
  - {id: team/theirs, limit: 10, window: {kind: fixed, every: 60s}, members: [pat:other]}
"""


async def read(guest: Any, uri: str) -> Any:
    """The JSON of a resource."""
    (content,) = (await guest.client.read_resource(uri)).contents
    assert isinstance(content, types.TextResourceContents)
    return json.loads(content.text)


async def refused(guest: Any, uri: str) -> MCPError:
    """The error of a resource that cannot be read."""
    with pytest.raises(MCPError) as caught:
        await guest.client.read_resource(uri)
    return caught.value


def test_usage_is_told_of_all_pools_of_one_and_of_one_agent(visit: Visit, run: Run) -> None:
    async def scene() -> None:
        async with visit() as guest:
            await guest.ask(expected_cost=7)
            await guest.ask(expected_cost=2, agent_id="other")

            every = await guest.told("check_usage")
            mine = await guest.told("check_usage", agent_id="crawler-01")
            one = await guest.told("check_usage", pool="team/few")

            assert [pool["pool"] for pool in every["pools"]] == [
                "team/few",
                "team/requests",
                "team/tokens",
            ]
            assert [(pool["pool"], pool["held"]) for pool in mine["pools"]] == [
                ("team/requests", 7)
            ]
            assert [pool["available"] for pool in one["pools"]] == [3]
            assert "no pool 'team/none' (known: team/few" in await guest.mistaken(
                "check_usage", pool="team/none"
            )

    run(scene)


def test_an_agent_is_told_what_its_own_share_comes_to(visit: Visit, run: Run) -> None:
    policy = "pools: [{id: team/api, limit: 3, window: {kind: fixed, every: 1h}, per: agent}]"

    async def scene() -> None:
        async with visit(policy=policy) as guest:
            await guest.ask(expected_cost=3)
            await guest.ask(expected_cost=1, agent_id="other")
            mine = await guest.told("check_usage", agent_id="crawler-01")

            ends = {
                pool["pool"]: (pool["risk_level"], pool["p_exhaustion"]) for pool in mine["pools"]
            }
            assert ends["team/api~crawler-01"] == ("critical", 1.0)

    run(scene)


def test_constraints_are_listed_page_by_page(visit: Visit, run: Run) -> None:
    pools = "\n".join(
        f"  - {{id: team/p{n:02}, limit: 10, window: {{kind: fixed, every: 60s}}}}"
        for n in range(45)
    )

    async def scene() -> None:
        async with visit(policy=f"pools:\n{pools}") as guest:
            seen: list[str] = []
            cursor: dict[str, str] = {}
            while True:
                page = await guest.told("list_constraints", workload_id="scan", **cursor)
                seen += [one["id"] for one in page["constraints"]]
                if page["next_cursor"] is None:
                    break
                cursor = {"cursor": page["next_cursor"]}

            assert seen == [f"team/p{n:02}" for n in range(45)]
            assert "is no cursor" in await guest.mistaken("list_constraints", cursor="x")

    run(scene)


def test_a_forecast_says_whether_an_amount_fits(visit: Visit, run: Run) -> None:
    async def scene() -> None:
        async with visit() as guest:
            plain = await guest.told("forecast", pool="team/requests")
            fits = await guest.told("forecast", pool="team/requests", units=95, within_seconds=1)
            late = await guest.told("forecast", pool="team/few", units=9.2)

            assert (plain["risk_level"], plain["fits"]) == ("ok", None)
            assert plain["score"] is None, "no forecast has come to its end yet"
            assert plain["tte_seconds"] == {"p50": None, "p90": None, "p99": None}
            assert fits["fits"] is True
            assert (late["fits"], late["earliest_at"]) == (False, None)
            assert "ask for less" in late["reason"]
            assert "units" in await guest.mistaken("forecast", pool="team/few", units=-1)

    run(scene)


def test_a_decision_is_explained_as_a_story(visit: Visit, run: Run) -> None:
    async def scene() -> None:
        async with visit() as guest:
            asked = await guest.ask(workload_id="forbidden")

            told = await guest.told("explain_decision", intent_id=asked["intent_id"])
            resource = await read(guest, f"ratelord://intents/{asked['intent_id']}")

            assert told["story"][0].startswith("crawler-01 asked at 2026-01-01")
            assert any("no-forbidden-work" in line for line in told["story"])
            assert resource == {"story": told["story"]}
            for wrong in ("nonsense", "019b76da-a800-7d2b-ba15-000000000000"):
                assert "no intent" in await guest.mistaken("explain_decision", intent_id=wrong)

    run(scene)


def test_a_plan_is_rehearsed(visit: Visit, run: Run) -> None:
    names = {"agent_id": "a", "identity_id": "i", "scope_id": "global"}

    async def scene() -> None:
        async with visit() as guest:
            steps = [
                {"workload_id": "rare", "expected_cost": 2},
                {"workload_id": "rare", "expected_cost": 2},
                {"workload_id": "scan"},
            ]
            told = await guest.told("plan_intents", steps=steps, **names)

            assert (told["fits"], told["order"], told["misfits"]) == (False, [0, 2], [1])
            assert guest.alive.arbiter.pool("team/few").held == 0
            assert (
                await guest.mistaken("plan_intents", steps=[], **names)
                == "steps: 0 steps; a plan has 1 to 100"
            )
            wrong = [{"workload_id": "a b"}]
            assert "steps[0].workload_id" in await guest.mistaken(
                "plan_intents", steps=wrong, **names
            )
            assert "color" in await guest.mistaken(
                "plan_intents", steps=[{"workload_id": "scan", "color": 1}], **names
            )

    run(scene)


def test_a_plan_is_of_the_run_that_it_names(visit: Visit, run: Run) -> None:
    names = {"agent_id": "a", "identity_id": "i", "scope_id": "global"}
    spent, fresh = {"run_id": "nightly-1"}, {"run_id": "nightly-2", "task_id": "t"}

    async def scene() -> None:
        async with visit(policy=ONCE_A_RUN) as guest:
            await guest.ask(client_context=spent)

            plans = [
                await guest.told(
                    "plan_intents", steps=[{"workload_id": "scan"}] * 2, **names, **said
                )
                for said in ({"client_context": spent}, {"client_context": fresh}, {})
            ]

            assert [plan["order"] for plan in plans] == [[], [0], [0, 1]]
            assert [plan["misfits"] for plan in plans] == [[0, 1], [1], []]
            assert (await guest.ask(client_context=fresh))["allowed"]
            assert "client_context" in await guest.mistaken(
                "plan_intents", steps=[{"workload_id": "scan"}], client_context="run", **names
            )

    run(scene)


ONCE_A_RUN = """
pools: [{id: team/requests, limit: 100, window: {kind: fixed, every: 60s}}]
policies:
  - id: runs
    rules: [{name: once-a-run, condition: run.requests >= 1, action: deny}]
"""


def test_every_resource_that_is_listed_can_be_read(visit: Visit, run: Run) -> None:
    async def scene() -> None:
        async with visit() as guest:
            await guest.ask()
            for resource in (await guest.client.list_resources()).resources:
                assert await read(guest, resource.uri), resource.uri
            assert (await read(guest, "ratelord://pools/team/few"))["limit"] == 3
            assert (await read(guest, "ratelord://forecasts/team/few"))["risk_level"] == "ok"
            assert (await read(guest, "ratelord://usage"))["items"][0]["agent_id"] == "crawler-01"
            assert (await read(guest, "ratelord://events"))["items"][0][
                "event_type"
            ] == "intent_decided"

    run(scene)


def test_pools_are_listed_page_by_page(visit: Visit, run: Run) -> None:
    pools = "\n".join(
        f"  - {{id: team/p{n:03}, limit: 10, window: {{kind: fixed, every: 60s}}}}"
        for n in range(130)
    )

    async def scene() -> None:
        async with visit(policy=f"pools:\n{pools}") as guest:
            first = await guest.client.list_resources()
            rest = await guest.client.list_resources(cursor=first.next_cursor)

            listed = [one.uri for one in (*first.resources, *rest.resources)]
            assert len(listed) == len(set(listed)) == 135
            assert rest.next_cursor is None

    run(scene)


@pytest.mark.parametrize(
    "uri",
    [
        "ratelord://nothing",
        "ratelord://pools/team",
        "ratelord://pools/team/none",
        "ratelord://pools/../config",
        "ratelord://pools/team/..",
        "ratelord://pools/team/few%00",
        "ratelord://pools/team/few?x=1",
        "ratelord://pools/team/few#x",
        "ratelord://pools/team/" + "x" * 10_000,
        "ratelord://pools/%74eam/%zz",
        "ratelord://identities/pat:nobody",
        "ratelord://intents/../../etc/passwd",
        "file:///etc/passwd",
        "RATELORD://pools",
    ],
)
def test_an_address_where_nothing_is_says_so(visit: Visit, run: Run, uri: str) -> None:
    async def scene() -> None:
        async with visit() as guest:
            error = await refused(guest, uri)

            assert error.error.code == types.INVALID_PARAMS
            assert error.error.message.startswith("no such resource")
            assert len(str(error.error.data)) < 400

    run(scene)


def test_an_agent_sees_itself_and_what_it_draws_from(visit: Visit, run: Run) -> None:
    async def scene() -> None:
        async with visit(policy=MEMBERS, caller=AGENT) as guest:
            arbiter = guest.alive.arbiter
            await arbiter.register_identity(Identity("pat:other", "user"), None, Caller())
            await arbiter.register_identity(Identity("pat:rmax", "user"), None, Caller())
            uris = [one.uri for one in (await guest.client.list_resources()).resources]
            assert "ratelord://pools/team/mine" in uris
            assert "ratelord://pools/team/theirs" not in uris
            mine = await read(guest, "ratelord://pools/team/mine")
            assert "members" not in mine
            assert "shares" not in mine
            for hidden in ("pools/team/theirs", "forecasts/team/theirs", "identities/pat:other"):
                await refused(guest, f"ratelord://{hidden}")
            for operators in ("config", "graph"):
                assert (
                    "list_constraints"
                    in (await refused(guest, f"ratelord://{operators}")).error.message
                )
            assert (await read(guest, "ratelord://identities/pat:rmax"))[
                "identity_id"
            ] == "pat:rmax"
            events = (await read(guest, "ratelord://events"))["items"]
            assert {event["dimensions"]["identity_id"] for event in events} == {"pat:rmax"}
            assert "leave identity_id out" in await guest.mistaken(
                "check_usage", identity_id="pat:other"
            )
            assert "that you draw from" in await guest.mistaken("forecast", pool="team/theirs")

    run(scene)


def test_an_agent_does_not_hear_why_somebody_else_was_denied(visit: Visit, run: Run) -> None:
    async def scene() -> None:
        async with visit(caller=AGENT) as guest:
            from ratelord_core.model.intent import Intent

            theirs = await guest.alive.arbiter.ask(
                Intent("b", "pat:other", "scan", "global"), Caller()
            )

            line = await guest.mistaken("explain_decision", intent_id=theirs.intent_id)
            assert line.startswith("no intent")

    run(scene)


def test_the_prompt_names_what_binds_now_and_stays_short(visit: Visit, run: Run) -> None:
    pools = "\n".join(
        f"  - {{id: team/pool-{n:02}, limit: 10, window: {{kind: fixed, every: 60s}}}}"
        for n in range(30)
    )

    async def scene() -> None:
        async with visit(policy=f"pools:\n{pools}") as guest:
            (prompt,) = (await guest.client.list_prompts()).prompts
            assert all(argument.description for argument in prompt.arguments or ())
            long = {"agent_id": "a" * 60, "scope_id": "repo:" + "b" * 60}
            (message,) = (await guest.client.get_prompt("ratelord-aware", long)).messages
            assert isinstance(message.content, types.TextContent)
            text = message.content.text

            assert "ask_intent" in text
            assert "- team/pool-00: at most 10 requests per 60 s; 10 left" in text
            assert "and 24 more: list_constraints" in text
            assert len(text) / 4 < 300, "a token is about four characters"

    run(scene)


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("nobody", {}, "Unknown prompt"),
        ("ratelord-aware", {"agent_id": "a b"}, "is not an id"),
        ("ratelord-aware", {"color": "red"}, "is not an argument"),
    ],
)
def test_a_prompt_that_is_asked_wrongly_says_how(
    visit: Visit, run: Run, name: str, arguments: dict[str, str], said: str
) -> None:
    async def scene() -> None:
        async with visit() as guest:
            with pytest.raises(MCPError, match=said):
                await guest.client.get_prompt(name, arguments)

    run(scene)


def test_ids_are_completed(visit: Visit, run: Run) -> None:
    async def scene() -> None:
        async with visit() as guest:
            asked = await guest.ask()
            pool = types.ResourceTemplateReference(uri="ratelord://pools/{provider_id}/{pool_id}")
            prompt = types.PromptReference(name="ratelord-aware")

            async def complete(reference: Any, name: str, value: str, **said: str) -> list[str]:
                found = await guest.client.complete(
                    reference, {"name": name, "value": value}, context_arguments=said or None
                )
                return list(found.completion.values)

            assert await complete(pool, "provider_id", "") == ["team"]
            assert await complete(pool, "pool_id", "re", provider_id="team") == ["requests"]
            assert await complete(pool, "pool_id", "", provider_id="nobody") == []
            assert await complete(prompt, "agent_id", "crawl") == ["crawler-01"]
            assert await complete(prompt, "scope_id", "acme") == ["repo:acme/api"]
            intents = types.ResourceTemplateReference(uri="ratelord://intents/{intent_id}")
            assert await complete(intents, "intent_id", "") == [asked["intent_id"]]
            identities = types.ResourceTemplateReference(uri="ratelord://identities/{identity_id}")
            await guest.alive.arbiter.register_identity(Identity("pat:one", "user"), None, Caller())
            assert await complete(identities, "identity_id", "pat") == ["pat:one"]
            assert await complete(prompt, "nonsense", "") == []

    run(scene)


def test_freshness_says_until_when_an_answer_can_hold(visit_modern: Visit, run: Run) -> None:
    async def scene() -> None:
        async with visit_modern() as guest:
            idle = await guest.client.read_resource("ratelord://pools/team/few")
            await guest.ask()
            used = await guest.client.read_resource("ratelord://pools/team/requests")

            assert (idle.ttl_ms, used.ttl_ms) == (60_000, 1_000)
            assert idle.cache_scope == "private"
            assert (await guest.client.list_tools()).cache_scope == "public"

    run(scene)
