"""OpenRouter, as a server on this machine: a key, its limit, and a bill for every completion."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from ratelord_core.testing.loopback import LoopbackServer

SECRET = "sk-or-v1-secret"


class Router:
    """An ASGI application. ``body`` and ``status`` are answered instead, if they are set."""

    def __init__(self) -> None:
        self.url = ""
        self.limit: float | None = 100.0
        self.reset: str | None = "monthly"
        self.spent = 25.5
        self.status = 200
        self.body: bytes | None = None
        self.asked: list[tuple[str, str]] = []

    def key(self) -> dict[str, Any]:
        left = None if self.limit is None else round(self.limit - self.spent, 6)
        return {
            "label": "sk-or-v1-sec...ret",
            "limit": self.limit,
            "limit_reset": self.reset,
            "limit_remaining": left,
            "usage": self.spent,
            "is_free_tier": False,
            "rate_limit": {"requests": 1000, "interval": "1h", "note": "deprecated"},
        }

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        shown = dict(scope["headers"]).get(b"authorization", b"").decode()
        self.asked.append((scope["path"], shown))
        status = self.status if shown == f"Bearer {SECRET}" else 401
        body = json.dumps({"data": self.key()}).encode() if self.body is None else self.body
        headers = [(b"location", b"http://127.0.0.1:1/")] if status == 302 else []
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def router() -> Iterator[Router]:
    router = Router()
    with LoopbackServer(router) as server:
        router.url = server.url
        yield router
