"""Hearing of changes: subscriptions of both eras, and alerts for those who do not listen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError, types
from mcp.server.subscriptions import ResourcesListChanged, ResourceUpdated

from ratelord_core.model.caller import Caller
from ratelord_core.testing.living_arbiter import LivingArbiter, living
from ratelord_mcp import watch
from ratelord_mcp.announcer import MAX_URIS
from ratelord_mcp.server import RatelordServer, build

OF_THE_HANDSHAKE_ERA = pytest.mark.filterwarnings("ignore:resources/.*subscribe is removed")
POLICY = """
pools:
  - {id: team/hot, limit: 100, window: {kind: fixed, every: 60s}, shared_by: [scan]}
  - {id: team/cold, limit: 100, window: {kind: fixed, every: 60s}, shared_by: [other]}
"""
NAMES = {"agent_id": "a", "identity_id": "i", "workload_id": "scan", "scope_id": "global"}
HOT = "ratelord://pools/team/hot"
Run = Callable[..., Any]


class Scene:
    """A server that looks round when the test says so, and only then."""

    def __init__(self, alive: LivingArbiter) -> None:
        self.alive = alive
        self.server: RatelordServer = build(alive.arbiter, lambda _context: Caller(door="mcp"))

    async def burn(self, units: int = 60) -> None:
        """Spend so much of the hot pool that it is not safe any more."""
        for _ in range(3):
            asked = {**NAMES, "expected_cost": units // 3}
            async with Client(self.server) as client:
                told = (await client.call_tool("ask_intent", asked)).structured_content
                assert told is not None
                report = {"intent_id": told["intent_id"]}
                await client.call_tool("report_usage", report)
            await self.alive.pass_time(1)

    async def look(self) -> None:
        """Look round, as the server does twice a second."""
        await self.alive.notice()
        await self.server.look_round()


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Scene], Any]], None]:
    """Run a scene. Nobody looks round by the wall clock: it might be in the middle of a burn."""
    monkeypatch.setattr(watch, "PERIOD", 1e6)

    def playing(scene: Callable[[Scene], Any]) -> None:
        async def whole() -> None:
            async with living(POLICY) as alive:
                await scene(Scene(alive))

        anyio.run(whole)

    return playing


def test_a_stream_hears_that_a_pools_risk_turned_and_only_that(play: Any) -> None:
    async def scene(scene: Scene) -> None:
        async with (
            Client(scene.server) as client,
            client.listen(resource_subscriptions=[HOT, "ratelord://pools/team/cold"]) as stream,
        ):
            await scene.look()
            await scene.burn()
            await scene.look()
            await scene.look()
            await scene.alive.pass_time(120)
            await scene.look()
            heard = [event async for event in _most(stream, 10)]

            assert heard in (
                [ResourceUpdated(uri=HOT)],
                [ResourceUpdated(uri=HOT), ResourceUpdated(uri=HOT)],
            )

    play(scene)


def test_a_slow_listener_hears_each_change_once(play: Any) -> None:
    async def scene(scene: Scene) -> None:
        async with (
            Client(scene.server) as client,
            client.listen(resource_subscriptions=[HOT]) as stream,
        ):
            for _ in range(1000):
                scene.server.announcer.publish([ResourceUpdated(uri=HOT)])
            heard = [event async for event in _most(stream, 10)]

            assert 1 <= len(heard) <= 2

    play(scene)


async def _most(stream: Any, count: int) -> Any:
    """What comes, until nothing more does; the first is waited for as long as it takes."""
    heard = 0
    with anyio.move_on_after(60) as patience:
        async for event in stream:
            yield event
            heard += 1
            if heard == count:
                return
            patience.deadline = anyio.current_time() + 0.1


@OF_THE_HANDSHAKE_ERA
def test_a_session_hears_it_too_until_it_unsubscribes(play: Any) -> None:
    async def scene(scene: Scene) -> None:
        heard: list[Any] = []

        async def take(message: Any) -> None:
            heard.append(message)

        async with Client(scene.server, mode="legacy", message_handler=take) as client:
            await client.session.subscribe_resource(HOT)
            await scene.look()
            await scene.burn()
            await scene.look()
            await _patiently(lambda: heard)
            assert [message.params.uri for message in heard] == [HOT]

            await client.session.unsubscribe_resource(HOT)
            await scene.alive.pass_time(200)
            await scene.look()
            await client.list_tools()
            assert len(heard) == 1

    play(scene)


async def _patiently(what: Callable[[], Any]) -> None:
    with anyio.fail_after(60):
        while not what():
            await anyio.lowlevel.checkpoint()


def test_a_reload_that_changes_the_pools_is_heard_as_a_changed_list(play: Any) -> None:
    async def scene(scene: Scene) -> None:
        async with (
            Client(scene.server) as client,
            client.listen(resources_list_changed=True) as stream,
        ):
            await scene.look()
            scene.alive.text = (
                POLICY + "  - {id: team/new, limit: 5, window: {kind: fixed, every: 60s}}\n"
            )
            await scene.alive.arbiter.reload_policy(Caller())
            await scene.look()
            with anyio.fail_after(60):
                assert await anext(aiter(stream)) == ResourcesListChanged()
            listed = [one.uri for one in (await client.list_resources()).resources]
            assert "ratelord://pools/team/new" in listed

    play(scene)


@OF_THE_HANDSHAKE_ERA
def test_what_does_not_exist_is_not_followed(play: Any) -> None:
    async def scene(scene: Scene) -> None:
        wanted = [HOT, "ratelord://pools/team/none", "ratelord://pools/..", "file:///etc/passwd"]
        async with (
            Client(scene.server) as client,
            client.listen(resource_subscriptions=wanted) as stream,
        ):
            assert stream.honored.resource_subscriptions == [HOT]
        async with Client(scene.server, mode="legacy") as client:
            for uri in wanted[1:]:
                with pytest.raises(MCPError, match="no such resource"):
                    await client.session.subscribe_resource(uri)

    play(scene)


@OF_THE_HANDSHAKE_ERA
def test_subscriptions_are_bounded(play: Any) -> None:
    async def scene(scene: Scene) -> None:
        flood = [f"ratelord://identities/i:{number}" for number in range(MAX_URIS + 1)]
        async with Client(scene.server) as client:
            with pytest.raises(MCPError, match="at most 256"):
                async with client.listen(resource_subscriptions=flood):
                    raise AssertionError
        async with Client(scene.server, mode="legacy") as client:
            for uri in flood[:-1]:
                await client.session.subscribe_resource(uri)
            with pytest.raises(MCPError, match="which is the most"):
                await client.session.subscribe_resource(flood[-1])

    play(scene)


def test_streams_are_bounded(play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ratelord_mcp.announcer.MAX_STREAMS", 1)

    async def scene(scene: Scene) -> None:
        async with (
            Client(scene.server) as client,
            Client(scene.server) as other,
            client.listen(resource_subscriptions=[HOT]),
        ):
            with pytest.raises(MCPError, match="too many streams"):
                async with other.listen(resource_subscriptions=[HOT]):
                    raise AssertionError

    play(scene)


def test_closing_the_server_ends_streams_in_good_order(play: Any) -> None:
    async def scene(scene: Scene) -> None:
        async with (
            Client(scene.server) as client,
            client.listen(resource_subscriptions=[HOT]) as stream,
        ):
            scene.server.announcer.publish([ResourceUpdated(uri=HOT)])
            scene.server.close()
            with anyio.fail_after(60):
                assert [event async for event in stream] == [ResourceUpdated(uri=HOT)]

    play(scene)


def test_an_agent_that_does_not_listen_is_told_with_its_next_answer(play: Any) -> None:
    async def scene(scene: Scene) -> None:
        await scene.burn()
        await scene.look()
        async with Client(scene.server) as client:

            async def ask(**fields: Any) -> list[str]:
                result: types.CallToolResult = await client.call_tool("ask_intent", NAMES | fields)
                assert result.structured_content is not None
                return list(result.structured_content["alerts"])

            (told,) = await ask()
            assert told.startswith("team/hot turned")
            assert await ask() == [], "once"
            assert await ask(agent_id="other") == [], "somebody who did not draw from it before"

    play(scene)
