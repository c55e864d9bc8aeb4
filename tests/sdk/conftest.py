"""A daemon's stand-in behind a real socket: it answers what the test scripted, and remembers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from ratelord_core.testing.loopback import LoopbackServer

WIRE_APPROVE: dict[str, Any] = {
    "intent_id": "01930000-0000-7000-8000-000000000001",
    "decision": "approve",
    "status": "approve",
    "allowed": True,
    "reason_code": "ok",
    "reason": "It fits.",
    "modifications": {},
    "start_at": "2026-01-31T12:00:00.000000Z",
    "alternatives": [],
    "decided_by": None,
    "warnings": [],
    "retry_after_seconds": None,
    "valid_until": "2026-01-31T12:01:00.000000Z",
    "holds": [
        {
            "provider_id": "mock",
            "pool_id": "default",
            "units": 1,
            "remaining": 41,
            "reset_at": "2026-01-31T12:01:00.000000Z",
            "expires_at": "2026-01-31T12:01:00.000000Z",
        }
    ],
    "evaluation": {
        "as_of_ts": "2026-01-31T12:00:00.000000Z",
        "policy_version": "abc",
        "risk_summary": "calm",
        "tightest_pool": "mock/default",
        "risk": {
            "p_exhaustion": 0.12,
            "tte_p50_seconds": 1,
            "tte_p90_seconds": 1.5,
            "tte_p99_seconds": None,
            "ttr_seconds": 60,
        },
    },
    "trace": [],
}
WIRE_WAIT = WIRE_APPROVE | {
    "decision": "approve_with_modifications",
    "status": "approve_with_modifications",
    "modifications": {"wait_seconds": 2.5},
    "reason_code": "pool_exhausted",
    "reason": "The pool is empty until its reset.",
}
WIRE_DENY = WIRE_APPROVE | {
    "decision": "deny_with_reason",
    "status": "deny_with_reason",
    "allowed": False,
    "reason_code": "pool_exhausted",
    "reason": "The pool is empty.",
    "retry_after_seconds": 30,
    "holds": [],
}
WIRE_SETTLED = {
    "intent_id": WIRE_APPROVE["intent_id"],
    "outcome": "success",
    "settled": [{"provider_id": "mock", "pool_id": "default", "held": 1, "settled": 3}],
    "late": False,
    "duplicate": False,
    "warnings": [],
}


@dataclass
class Answer:
    """What to answer once. ``drip`` sends the body byte by byte with a pause after each."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    after: float = 0.0
    drip: float = 0.0
    hang_up: bool = False


@dataclass
class Asked:
    """A request as it came in."""

    method: str
    target: str
    headers: dict[str, str]
    body: Any


class Daemon:
    """Answers in the scripted order; the last answer stays."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._answers: list[Answer] = []
        self.url = ""

    def answers(self, *answers: Answer) -> None:
        """Script the next answers."""
        self._answers = list(answers)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        target = scope["raw_path"].decode()
        if scope["query_string"]:
            target += "?" + scope["query_string"].decode()
        headers = {k.decode(): v.decode() for k, v in scope["headers"]}
        self.asked.append(
            Asked(scope["method"], target, headers, json.loads(body) if body else None)
        )
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        await self._send(answer, send)

    async def _send(self, answer: Answer, send: Any) -> None:
        if answer.after:
            await asyncio.sleep(answer.after)
        content = (
            answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        )
        headers = {"content-type": "application/json"} | answer.headers
        if answer.hang_up:
            # Promise more than is sent: the client sees the connection break in mid-answer.
            headers["content-length"] = str(len(content) + 10)
        await send(
            {
                "type": "http.response.start",
                "status": answer.status,
                "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
            }
        )
        pieces = [bytes([byte]) for byte in content] if answer.drip else [content]
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(answer.drip)
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture(scope="session")
def _served() -> Iterator[Daemon]:
    app = Daemon()
    with LoopbackServer(app) as server:
        app.url = server.url
        yield app


@pytest.fixture
def daemon(_served: Daemon) -> Daemon:
    """A scripted daemon behind a real socket."""
    _served.asked = []
    return _served


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RATELORD_URL", "RATELORD_SOCKET", "RATELORD_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def wire() -> Callable[[str], dict[str, Any]]:
    """The wire forms by name."""
    forms = {
        "approve": WIRE_APPROVE,
        "wait": WIRE_WAIT,
        "deny": WIRE_DENY,
        "settled": WIRE_SETTLED,
    }
    return lambda name: dict(forms[name])


@pytest.fixture
def answer() -> type[Answer]:
    """What a scripted daemon answers."""
    return Answer
