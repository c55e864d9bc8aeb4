"""Agents that ask a daemon without end over kept-alive connections, and remember every answer."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any
from urllib.parse import urlsplit

BATCH = 32


class Line:
    """One connection: a request, then its reply."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, url: str, here: str | None = None) -> Line:
        """Connect, from the address ``here`` if it is given."""
        parts = urlsplit(url)
        local = None if here is None else (here, 0)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port, local_addr=local))

    async def post(self, path: str, body: Any) -> tuple[int, Any]:
        """Status and body of the reply; ``ConnectionError`` if there is none."""
        content = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        self._writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        try:
            answered = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = next(
                int(line.partition(":")[2])
                for line in answered.split("\r\n")
                if line.lower().startswith("content-length:")
            )
            told = json.loads(await self._reader.readexactly(length))
        except asyncio.IncompleteReadError as error:
            raise ConnectionError("the daemon is gone") from error
        return int(answered.split(" ", 2)[1]), told

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


class Agent:
    """Asks alone and in batches, reports most of what it was granted, and asks again by the same key
    what it was not answered."""

    def __init__(self, number: int, seed: int) -> None:
        self._name = f"agent:{number}"
        self._dice = random.Random(seed * 1000 + number)
        self._asked = 0
        self._pending: list[dict[str, Any]] = []
        self._reports: list[str] = []
        self.acknowledged: list[str] = []
        self.reported: set[str] = set()
        self.unexpected: list[str] = []

    async def live(self, url: str) -> None:
        """Until the daemon is gone."""
        try:
            line = await Line.to(url)
        except OSError:
            return
        try:
            while True:
                await self._turn(line)
        except ConnectionError:
            return
        finally:
            line.close()

    async def _turn(self, line: Line) -> None:
        while self._reports:
            await self._report(line)
        if not self._pending:
            count = BATCH if self._dice.random() < 0.3 else 1
            self._pending = [self._question() for _ in range(count)]
        path = "/v1/intent" if len(self._pending) == 1 else "/v1/intents/batch"
        whole = self._pending[0] if len(self._pending) == 1 else {"intents": self._pending}
        status, told = await line.post(path, whole)
        if status == 503 and told["code"] == "starting":
            await asyncio.sleep(0.02)
            return
        if status == 409 and told["code"] == "approval_lapsed":  # answered before, too late now
            self._pending = self._pending[1:] if len(self._pending) > 1 else []
            self._pending = self._pending[:1]
            return
        self._pending = []
        if status != 200:
            self.unexpected.append(f"{status} {told.get('code')}: {told.get('detail')}")
            return
        for answer in told.get("decisions", [told]):
            self.acknowledged.append(answer["intent_id"])
            if answer["allowed"] and self._dice.random() < 0.4:
                self._reports.append(answer["intent_id"])

    async def _report(self, line: Line) -> None:
        intent_id = self._reports[-1]
        outcome = {"outcome": "success", "costs": {"soak/spent": 1}}
        status, told = await line.post(f"/v1/intents/{intent_id}/report", outcome)
        if status == 503 and told["code"] == "starting":
            await asyncio.sleep(0.02)
            return
        self._reports.pop()
        if status == 200:
            self.reported.add(intent_id)
        else:
            self.unexpected.append(f"report {status} {told.get('code')}: {told.get('detail')}")

    def _question(self) -> dict[str, Any]:
        self._asked += 1
        return {
            "agent_id": self._name,
            "identity_id": f"key:{self._dice.randrange(200)}",
            "workload_id": "soak",
            "scope_id": "repo:acme/api",
            "urgency": self._dice.choice(("high", "normal", "background")),
            "max_wait_seconds": 0,
            "idempotency_key": f"{self._name}/{self._asked}",
        }
