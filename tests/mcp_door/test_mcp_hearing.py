"""Whoever goes away before the answer leaves no hold behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from ratelord_core import plugins
from ratelord_core.doors import CALLER, REPLY, Building, Message
from ratelord_core.model.caller import Caller
from ratelord_core.model.intent import Intent
from ratelord_core.testing.living_arbiter import LivingArbiter, living
from ratelord_core.testing.mcp_wire import modern, modern_headers
from ratelord_mcp.hall import furnish
from ratelord_mcp.hearing import decide, nobody_waits

POLICY = "pools: [{id: team/requests, limit: 10, window: {kind: fixed, every: 60s}}]"
NAMES = {"agent_id": "a", "identity_id": "i", "workload_id": "w", "scope_id": "global"}


async def until(what: Callable[[], Any]) -> None:
    """Let others go on until something is so."""
    async with asyncio.timeout(60):
        while not what():  # noqa: ASYNC110 (there is no event: this is another's bookkeeping)
            await asyncio.sleep(0)


def outcomes(alive: LivingArbiter) -> list[str]:
    """The types of the log's events that concern intents, in order."""
    return [
        record.event_type
        for record in alive.store.records
        if record.event_type.startswith("intent")
    ]


@pytest.mark.parametrize(("key", "left"), [(None, 0), ("k", 4)])
def test_a_cancelled_call_frees_its_hold_unless_its_key_can_fetch_the_answer(
    key: str | None, left: int
) -> None:
    async def scene() -> None:
        async with living(POLICY) as alive:
            intent = Intent(**NAMES, expected_cost=4.0, idempotency_key=key)
            asking = asyncio.ensure_future(decide(alive.arbiter, intent, Caller(door="mcp")))
            await until(lambda: alive.arbiter.pool("team/requests").held)

            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            await until(lambda: len(outcomes(alive)) == (2 if key else 3))

            assert alive.arbiter.pool("team/requests").held == left

    asyncio.run(scene())


def test_a_denial_that_nobody_hears_needs_no_report() -> None:
    async def scene() -> None:
        async with living(POLICY) as alive:
            intent = Intent(**NAMES, expected_cost=40.0)
            asking = asyncio.ensure_future(decide(alive.arbiter, intent, Caller(door="mcp")))
            await asyncio.sleep(0)
            asking.cancel()
            await until(lambda: len(outcomes(alive)) == 2)
            await alive.notice()

            assert outcomes(alive) == ["intent_submitted", "intent_decided"]

    asyncio.run(scene())


@pytest.mark.parametrize("accept", ["application/json", "*/*"], ids=["express", "library"])
@pytest.mark.parametrize("stays", [True, False])
def test_a_client_that_hung_up_gets_nothing_held(accept: str, stays: bool) -> None:
    body = json.dumps(
        modern("tools/call", name="ask_intent", arguments=NAMES | {"expected_cost": 4})
    )
    messages: list[Message] = [{"type": "http.request", "body": body.encode(), "more_body": False}]
    sent: list[Any] = []

    async def receive() -> Message:
        if messages:
            return messages.pop()
        if stays:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    async def scene() -> None:
        async with living(POLICY) as alive:
            hall = furnish(Building(alive.arbiter, plugins.load().things))
            ready, closing = asyncio.Event(), asyncio.Event()
            life = asyncio.create_task(hall.live(ready, closing))
            await ready.wait()
            headers = modern_headers("tools/call", "ask_intent") | {"accept": accept}
            scope = {
                "type": "http",
                "method": "POST",
                "path": "/mcp",
                "query_string": b"",
                "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
                CALLER: Caller(),
                REPLY: send,
            }
            await hall.serve(scope, receive, send)

            assert sent
            assert alive.arbiter.pool("team/requests").held == (4 if stays else 0)
            closing.set()
            await life

    asyncio.run(scene())


def test_looking_whether_somebody_waits_takes_nothing_away() -> None:
    async def scene() -> None:
        queue: asyncio.Queue[Message] = asyncio.Queue()
        assert not nobody_waits(queue.get)
        queue.put_nowait({"type": "http.disconnect"})
        assert nobody_waits(queue.get)

    asyncio.run(scene())
