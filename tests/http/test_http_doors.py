"""Doors that plugins add to the port (``ratelord_register_doors``): guarded like every other path."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from ratelord_core.clock import SeededEntropy
from ratelord_core.doors import CALLER, Access, Building, Receive, Scope, Send
from ratelord_core.errors import PluginError
from ratelord_core.http.app import build_app
from ratelord_core.http.server import serve
from ratelord_core.http.settings import HttpSettings
from ratelord_core.testing.living_arbiter import living

Scene = Callable[[httpx2.AsyncClient, "Echo"], Awaitable[None]]


class Echo:
    """A door that says who came, where, and what was offered; below ``/broken`` it breaks."""

    name = "echo"

    def __init__(self, path: str = "/echo", access: Access = "known") -> None:
        self.path = path
        self.access = access
        self.closed = self.finished = False
        self.offered: list[Any] = []

    def open(self, building: Building) -> Echo:
        self.offered = list(building.gather("ratelord_register_agent_tools"))
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].endswith("/broken"):
            raise RuntimeError("a secret")
        headers = dict(scope["headers"])
        said = f"{scope[CALLER].role} {scope['path']} [{headers.get(b'x-padded', b'').decode()}]"
        start = {"type": "http.response.start", "status": 200, "headers": []}
        await send({**start, "headers": [(b"content-type", b"text/plain")]})
        if scope["path"].endswith("/half"):
            raise RuntimeError("too late")
        await send({"type": "http.response.body", "body": said.encode()})

    def close(self) -> None:
        self.closed = True

    async def finish(self) -> None:
        self.finished = self.closed


def play(scene: Scene, echo: Echo | None = None, **options: Any) -> Echo:
    """A scene before a port with that door."""
    door = echo or Echo()

    async def whole() -> None:
        async with living("") as alive:
            settings = HttpSettings(SeededEntropy(), **options)
            app = build_app(
                alive.arbiter, settings, lambda hook: [door if hook.endswith("doors") else hook]
            )
            server = await serve(app, port=0)
            try:
                async with httpx2.AsyncClient(base_url=server.url, timeout=60) as client:
                    await scene(client, door)
            finally:
                await server.stop()

    asyncio.run(whole())
    return door


def test_a_door_has_its_path_and_all_below_it_and_nothing_else() -> None:
    async def scene(client: httpx2.AsyncClient, _door: Echo) -> None:
        assert (await client.get("/echo")).text == "admin /echo []"
        assert (await client.get("/echo/below/it")).text == "admin /echo/below/it []"
        assert (await client.get("/echoes")).status_code == 404
        assert (await client.get("/v1/health")).status_code == 200

    door = play(scene)

    assert door.offered == ["ratelord_register_agent_tools"]
    assert door.finished, "it was closed, and then waited for"


def test_the_guards_of_the_daemon_stand_before_a_door() -> None:
    async def scene(client: httpx2.AsyncClient, _door: Echo) -> None:
        for headers in ({"host": "evil.example"}, {"origin": "https://evil.example"}):
            assert (await client.get("/echo", headers=headers)).status_code == 403
        wrong = await client.get("/echo", headers={"authorization": "Bearer nobody"})
        assert wrong.status_code == 401
        answer = await client.get("/echo", headers={"x-padded": "value"})
        assert answer.text.endswith("[value]")
        assert answer.headers["x-request-id"]
        assert answer.headers["x-frame-options"] == "DENY"

    play(scene)


def test_a_door_that_needs_a_caller_asks_for_a_token_where_tokens_are_required() -> None:
    async def refused(client: httpx2.AsyncClient, _door: Echo) -> None:
        assert (await client.get("/echo")).status_code == 401

    async def let_in(client: httpx2.AsyncClient, _door: Echo) -> None:
        assert (await client.get("/echo")).status_code == 200

    play(refused, auth="required")
    play(let_in, Echo(access="open"), auth="required")


def test_a_door_that_breaks_is_a_problem_and_the_daemon_lives_on(
    problem: Callable[..., dict[str, Any]],
) -> None:
    async def scene(client: httpx2.AsyncClient, _door: Echo) -> None:
        told = problem(await client.get("/echo/broken"), 500, "internal_error")
        assert "secret" not in told["detail"]
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.get("/echo/half")
        assert (await client.get("/echo")).status_code == 200

    play(scene)


@pytest.mark.parametrize("path", ["/v1", "/", "/a/b", "echo", "/metrics"])
def test_a_door_may_not_take_a_path_of_the_daemon(path: str) -> None:
    async def scene(_client: httpx2.AsyncClient, _door: Echo) -> None:
        raise AssertionError

    with pytest.raises(PluginError, match="leave its plugin out"):
        play(scene, Echo(path))
