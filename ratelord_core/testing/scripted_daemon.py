"""A stand-in for a daemon behind a real socket: it answers what a test scripted, and remembers.

For tests of clients: what a real daemon does only on bad days (silence, garbage, a lost answer) is
one line here.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What to answer once. ``drip`` sends the body byte by byte with a pause after each."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    after: float = 0.0
    drip: float = 0.0
    hang_up: bool = False


@dataclass(frozen=True)
class Asked:
    """A request as it came in."""

    method: str
    target: str
    headers: dict[str, str]
    body: Any


class ScriptedDaemon:
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
