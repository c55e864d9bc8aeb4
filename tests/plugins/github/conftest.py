"""A server on this machine that answers as GitHub documents it, over a real socket."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from email.utils import format_datetime
from typing import Any, NamedTuple, Self

import anyio
import pytest
import uvicorn

from ratelord_core.clock import Clock, SystemClock
from ratelord_core.model.config import ProviderConfig
from ratelord_core.model.instant import SECOND, to_datetime
from ratelord_core.provider import PollRequest, PollResult
from ratelord_github.plugin import GithubFactory
from ratelord_github.provider import GithubProvider

HOURLY = {
    "core": 5000,
    "graphql": 5000,
    "integration_manifest": 5000,
    "code_scanning_upload": 1000,
    "actions_runner_registration": 10000,
    "scim": 15000,
    "audit_log": 1750,
    "audit_log_streaming": 15,
}
MINUTELY = {
    "search": 30,
    "source_import": 100,
    "code_scanning_autofix": 10,
    "dependency_snapshots": 100,
    "dependency_sbom": 100,
    "code_search": 10,
}


class Asked(NamedTuple):
    """A request that the server got."""

    path: str
    headers: dict[str, str]


class Reply(NamedTuple):
    """What the server answers."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = {}  # noqa: RUF012 - nobody writes into it


class Github:
    """The server: answers what ``reply`` says, and remembers what it was asked.

    By default it serves the documented payload: ``used`` units are used of every resource, and an
    ``etag`` names that content, which a conditional request gets a 304 for.
    """

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self.used = 1
        self.now: Callable[[], int] = SystemClock().now
        self.reset = SystemClock().now() // SECOND + 1800
        self.resources: dict[str, Any] = {}
        self.reply: Callable[[Asked], Reply | Awaitable[Reply]] = self.document

    def payload(self) -> dict[str, Any]:
        resources = {name: self.resource(limit) for name, limit in {**HOURLY, **MINUTELY}.items()}
        resources.update(self.resources)
        return {"resources": resources, "rate": resources["core"]}

    def resource(self, limit: int) -> dict[str, int]:
        return {
            "limit": limit,
            "used": self.used,
            "remaining": limit - self.used,
            "reset": self.reset,
        }

    def answer(self, *args: Any, **named: Any) -> None:
        """From now on, reply with ``said(…)``."""
        self.reply = lambda asked: self.said(*args, **named)

    @staticmethod
    def said(status: int, message: str = "", body: bytes | None = None, **headers: str) -> Reply:
        """A reply with GitHub's form of a message, or with this body; ``_`` in header names is -."""
        content = json.dumps({"message": message}).encode() if body is None else body
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return Reply(status, content, told)

    def document(self, asked: Asked) -> Reply:
        etag = f'W/"used-{self.used}-{self.reset}"'
        if asked.headers.get("if-none-match") == etag:
            return Reply(304, headers={"etag": etag})
        headers = {"etag": etag, "content-type": "application/json; charset=utf-8"}
        return Reply(200, json.dumps(self.payload()).encode(), headers)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.append(Asked(scope["path"], headers))
        reply = self.reply(self.asked[-1])
        if not isinstance(reply, Reply):
            reply = await reply
        replied = {"date": format_datetime(to_datetime(self.now()), usegmt=True), **reply.headers}
        told = [(name.encode(), value.encode()) for name, value in replied.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": told})
        await send({"type": "http.response.body", "body": reply.body})


class Served:
    """The socket of the session, and the GitHub that answers behind it at present. Says no
    ``date`` of its own: when it is, at GitHub, is the test's to say."""

    def __init__(self) -> None:
        self.github = Github()
        self._socket = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            self, log_level="critical", lifespan="off", date_header=False, server_header=False,
            timeout_keep_alive=3600,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.github(scope, receive, send)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._server.should_exit = True
        self._thread.join(60)
        self._socket.close()

    def fresh(self) -> Github:
        self.github = Github()
        self.github.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        return self.github


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    with Served() as served:
        yield served


@pytest.fixture
def github(served: Served) -> Github:
    return served.fresh()


class Account:
    """A GitHub account under test, polled on an event loop of its own."""

    def __init__(
        self, url: str, token: str | None = "t0ken", clock: Clock | None = None, **options: Any
    ):
        self.token = token
        self.clock = clock or SystemClock()
        options = {"enterprise_url": url, "timeout": "60s", **options}
        config = ProviderConfig(plugin="github", id="gh", options=options)
        built = GithubFactory().build(config, lambda: self.token, self.clock)
        assert isinstance(built, GithubProvider)
        self.provider = built

    def polls(self, *between: Callable[[], None]) -> list[PollResult]:
        """Poll once, and again after each of these."""

        async def run() -> list[PollResult]:
            results: list[PollResult] = []
            try:
                results.append(await self.provider.poll(PollRequest()))
                for act in between:
                    act()
                    results.append(await self.provider.poll(PollRequest(results[-1].state)))
            finally:
                await self.provider.aclose()
            return results

        return anyio.run(run)

    def poll(self) -> PollResult:
        return self.polls()[0]


@pytest.fixture
def connect(github: Github) -> Callable[..., Account]:
    """``connect(**options)``: an account at the server."""
    return lambda **named: Account(github.url, **named)
