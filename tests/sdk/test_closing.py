"""A client that is closed: reports under way are made, and what is asked afterwards is refused."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import anyio
import pytest

from ratelord import AsyncClient, Client, ClientClosed, async_calling

FOUR = ("crawler-01", "pat:rmax", "repo_scan", "repo:acme/api")
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_report_under_way_is_made_before_the_connections_close(
    daemon: Any, answer: Any, wire: Any
) -> None:
    daemon.answers(answer(body=wire("settled"), after=0.2))
    async with AsyncClient(daemon.url, timeout=60) as client:
        reporting = asyncio.ensure_future(client.report("i-1", outcome="cancelled"))
        await asyncio.sleep(0)

    assert (await reporting).settled
    assert daemon.asked[0].target == "/v1/intents/i-1/report"


async def test_who_closes_a_client_that_is_being_closed_keeps_nobody(
    daemon: Any, answer: Any, wire: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(async_calling, "LAST_WORDS", 60.0)
    daemon.answers(answer(body=wire("settled"), after=0.2))
    client = AsyncClient(daemon.url, timeout=60)
    reporting = asyncio.ensure_future(client.report("i-1", outcome="cancelled"))
    await asyncio.sleep(0)

    with anyio.fail_after(30):
        await asyncio.gather(client.close(), client.close())

    assert (await reporting).settled


async def test_a_guard_that_ends_after_its_client_says_so_and_raises_only_what_was_raised(
    daemon: Any, answer: Any, wire: Any, caplog: pytest.LogCaptureFixture
) -> None:
    daemon.answers(answer(body=wire("approve")))
    client = AsyncClient(daemon.url, timeout=60)
    acting = asyncio.Event()

    async def act() -> None:
        async with client.guard(*FOUR):
            acting.set()
            await asyncio.Event().wait()

    task = asyncio.ensure_future(act())
    await acting.wait()
    await client.close()
    task.cancel()
    with caplog.at_level(logging.WARNING), pytest.raises(asyncio.CancelledError):
        await task

    (said,) = (each.getMessage() for each in caplog.records if each.name.startswith("ratelord"))
    assert "was not reported: this client of" in said
    assert said.endswith("is closed; make a new one")


async def test_no_question_is_answered_through_a_closed_client(
    daemon: Any, answer: Any, wire: Any
) -> None:
    daemon.answers(answer(body=wire("approve")))
    blocking, awaiting = Client(daemon.url, on_unreachable="allow"), AsyncClient(daemon.url)
    blocking.close()
    await awaiting.close()

    with pytest.raises(ClientClosed, match="make a new one"):
        blocking.ask(*FOUR)
    with pytest.raises(ClientClosed):
        next(blocking.stream())
    with pytest.raises(ClientClosed):
        await awaiting.ask(*FOUR)
    with pytest.raises(ClientClosed):
        await anext(awaiting.stream())
    assert daemon.asked == []
