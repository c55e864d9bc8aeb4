"""What binds, what fits, how a plan would go: over HTTP, and through the client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

import ratelord
from ratelord_core.testing.daemon_process import DaemonProcess

STEP = {
    "agent_id": "agent:one",
    "identity_id": "pat:one",
    "workload_id": "nested",
    "scope_id": "repo:acme/api",
}
Problem = Callable[..., dict[str, Any]]


def test_constraints_come_page_by_page(client: httpx2.Client) -> None:
    query = {"workload_id": "little", "agent_id": "agent:one", "limit": "1"}
    first = client.get("/v1/constraints", params=query).json()
    rest = client.get(
        "/v1/constraints", params={**query, "limit": "9", "after": first["next"]}
    ).json()

    assert [one["id"] for one in first["items"]] == ["mock/small"]
    assert [one["kind"] for one in rest["items"]] == ["rule"] * 3
    assert rest["next"] is None


def test_an_amount_fits_or_does_not(client: httpx2.Client, problem: Problem) -> None:
    fits = client.get("/v1/forecasts/fit", params={"pool": "mock/deep/er", "units": 45}).json()
    never = client.get("/v1/forecasts/fit", params={"pool": "mock/deep/er", "units": 51}).json()

    assert (fits["fits"], never["fits"]) == (True, False)
    problem(client.get("/v1/forecasts/fit"), 400, "invalid_request")
    problem(client.get("/v1/forecasts/fit", params={"pool": "a/b"}), 404)
    told = problem(client.get("/v1/forecasts/fit", params={"pool": "a/b", "units": "-1"}), 400)
    assert told["errors"][0]["field"] == "units"


def test_a_plan_is_told_and_nothing_is_held(client: httpx2.Client, problem: Problem) -> None:
    steps = [STEP | {"expected_cost": 30}, STEP | {"expected_cost": 30, "max_wait_seconds": 0}]

    told = client.post("/v1/plan", json={"intents": steps}).json()

    assert (told["order"], told["misfits"]) == ([0], [1])
    assert client.get("/v1/pools/mock/deep/er").json()["held"] == 0
    bad = client.post("/v1/plan", json={"intents": [STEP, STEP | {"agent_id": ""}]})
    assert problem(bad, 400)["errors"][0]["field"] == "intents[1].agent_id"
    problem(client.post("/v1/plan", json={"intents": []}), 400)
    problem(client.post("/v1/plan", json={"intents": [STEP] * 101}), 400)


def test_an_agent_looks_ahead_for_itself_only(
    guarded: DaemonProcess, tokens: dict[str, str], problem: Problem
) -> None:
    headers = {"authorization": f"Bearer {tokens['agent']}"}
    with httpx2.Client(base_url=guarded.url, headers=headers, timeout=60) as agent:
        own = {"identity_id": "id:agent"}
        assert agent.get("/v1/constraints", params=own).status_code == 200
        problem(agent.get("/v1/constraints", params={"identity_id": "pat:one"}), 403)
        problem(agent.get("/v1/constraints"), 403)
        assert agent.post("/v1/plan", json={"intents": [STEP | own]}).status_code == 200
        problem(agent.post("/v1/plan", json={"intents": [STEP]}), 403)


@pytest.mark.parametrize("asynchronous", [False, True], ids=["blocking", "asynchronous"])
def test_the_client_looks_ahead(daemon: DaemonProcess, asynchronous: bool) -> None:
    async def ahead() -> list[Any]:
        async with ratelord.AsyncClient(daemon.url, timeout=60) as client:
            return [
                await client.constraints(workload_id="nested"),
                await client.fit("mock/deep/er", 5, 1.5),
                await client.plan([STEP]),
            ]

    if asynchronous:
        import asyncio

        told = asyncio.run(ahead())
    else:
        with ratelord.Client(daemon.url, timeout=60) as client:
            told = [
                client.constraints(workload_id="nested"),
                client.fit("mock/deep/er", 5, 1.5),
                client.plan([STEP]),
            ]

    assert told[0][0]["id"] == "mock/deep/er"
    assert told[1]["fits"]
    assert told[2]["fits"]
