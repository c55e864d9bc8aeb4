"""Callbacks apply what an answer asks to be done otherwise, before anything else happens."""

from __future__ import annotations

from typing import Any

import pytest

from ratelord import AsyncClient, Client, Denied

FOUR = ("crawler-01", "pat:rmax", "repo_scan", "repo:acme/api")
CHANGES = {
    "identity_switch": "pat:two",
    "route": {"provider_id": "cheap", "model": "small"},
    "protocol_switch": "graphql",
    "degrade": "metadata_only",
    "max_cost": 17,
}
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def changed(wire: Any, answer: Any) -> Any:
    """An approval with these modifications."""

    def make(**modifications: Any) -> Any:
        verdict = "approve_with_modifications"
        body = wire("approve") | {"decision": verdict, "status": verdict}
        return answer(body=body | {"modifications": modifications})

    return make


@pytest.mark.parametrize("change", CHANGES)
def test_a_callback_gets_the_value_of_its_change(daemon, changed, change):
    daemon.answers(changed(**{change: CHANGES[change]}))
    seen: list[Any] = []
    with Client(daemon.url, timeout=60) as client:
        client.on(change, seen.append)
        decision = client.ask(*FOUR)
        assert client.unapplied(decision) == ()
    assert decision
    assert seen == [CHANGES[change]]


def test_changes_are_applied_before_the_wait(daemon, changed):
    daemon.answers(changed(degrade="peek", wait_seconds=3.0))
    order: list[Any] = []
    with Client(daemon.url, sleep=order.append) as client:
        client.on("degrade", order.append)
        client.ask(*FOUR)
    assert order == ["peek", 3.0]


def test_a_change_that_the_agent_cannot_make_frees_the_hold_and_denies(
    daemon, changed, wire, answer
):
    daemon.answers(changed(route={"model": "small"}), answer(body=wire("settled")))
    with Client(daemon.url, timeout=60) as client:
        client.on("route", lambda route: False)
        decision = client.ask(*FOUR)
    assert not decision
    assert decision.reason_code == "not_applied"
    assert "route" in decision.reason
    assert daemon.asked[1].body == {"outcome": "cancelled"}


def test_a_guard_is_not_entered_when_a_change_cannot_be_made(daemon, changed, wire, answer):
    daemon.answers(changed(max_cost=3), answer(body=wire("settled")))
    with Client(daemon.url, timeout=60) as client:
        client.on("max_cost", lambda most: False)
        with pytest.raises(Denied, match="max_cost 3"), client.guard(*FOUR):
            pytest.fail("the body ran")


def test_a_callback_that_raises_frees_the_hold_and_goes_on_raising(daemon, changed, wire, answer):
    daemon.answers(changed(max_cost=3), answer(body=wire("settled")))
    with Client(daemon.url, timeout=60) as client:
        client.on("max_cost", lambda most: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            client.ask(*FOUR)
    assert daemon.asked[1].body == {"outcome": "cancelled"}


def test_what_no_callback_applies_is_named(daemon, changed, wire, answer):
    daemon.answers(changed(degrade="peek", max_cost=3), answer(body=wire("settled")))
    with Client(daemon.url, timeout=60) as client:
        client.on("degrade", lambda name: None)
        with client.guard(*FOUR) as permit:
            assert permit.unapplied == ("max_cost",)


def test_a_denial_applies_nothing(daemon, wire, answer):
    daemon.answers(answer(body=wire("deny") | {"modifications": {"degrade": "peek"}}))
    with Client(daemon.url, timeout=60) as client:
        client.on("degrade", lambda name: pytest.fail("it was denied"))
        assert not client.ask(*FOUR)


def test_a_change_that_no_answer_contains_cannot_be_registered():
    with Client("http://127.0.0.1:9") as client, pytest.raises(ValueError, match="identity_switch"):
        client.on("indentity_switch", print)  # type: ignore[arg-type]  # a slip of the pen


async def test_asynchronous_callbacks_are_awaited_and_plain_ones_called(daemon, changed):
    daemon.answers(changed(degrade="peek", identity_switch="pat:two"))
    seen: list[str] = []

    async def degrade(name: str) -> None:
        seen.append(name)

    async with AsyncClient(daemon.url) as client:
        client.on("degrade", degrade)
        client.on("identity_switch", seen.append)
        assert await client.ask(*FOUR)
    assert sorted(seen) == ["pat:two", "peek"]


async def test_an_asynchronous_no_frees_the_hold(daemon, changed, wire, answer):
    daemon.answers(changed(protocol_switch="graphql"), answer(body=wire("settled")))

    async def cannot(protocol: str) -> bool:
        return False

    async with AsyncClient(daemon.url) as client:
        client.on("protocol_switch", cannot)
        assert (await client.ask(*FOUR)).reason_code == "not_applied"
    assert daemon.asked[1].body == {"outcome": "cancelled"}
