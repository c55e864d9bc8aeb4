"""Sessions of aiohttp: governed over real sockets, and none the wiser."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import ratelord

aiohttp = pytest.importorskip("aiohttp")

ASK = {"model": "gpt-x", "messages": [{"role": "user", "content": "one two"}], "max_tokens": 4}
STREAM = {**ASK, "stream": True, "stream_options": {"include_usage": True}}


def within(url: str, body: Callable[[Any], Awaitable[Any]], **names: Any) -> Any:
    """What comes of the body, which gets a captured session that lives as long."""

    async def run() -> Any:
        async with aiohttp.ClientSession() as session:
            return await body(ratelord.capture(session, speech="openai", **names))

    return asyncio.run(run())


@pytest.fixture
def url(providers: Any) -> str:
    return f"{providers.openai_url}/chat/completions"


def test_a_session_gets_what_it_would_get_anyway(url: str, settled: Any) -> None:
    async def bare() -> Any:
        async with aiohttp.ClientSession() as session, session.post(url, json=ASK) as answer:
            return answer.status, await answer.json(), set(answer.headers)

    async def call(session: Any) -> Any:
        async with session.post(url, json=ASK) as answer:
            return answer.status, await answer.json(), set(answer.headers)

    assert within(url, call) == asyncio.run(bare())
    assert settled() == ("success", {"openai/gpt-x/requests": 1, "openai/gpt-x/tokens": 6})


@pytest.mark.parametrize("way", ["lines", "any", "sized", "chunks", "whole", "nowait"])
def test_a_stream_is_settled_at_its_end_however_it_is_read(
    url: str, settled: Any, way: str
) -> None:
    async def call(session: Any) -> bytes:
        async with session.post(url, json=STREAM) as answer:
            content = answer.content
            if way == "whole":
                return await answer.read()
            if way == "nowait":
                await answer.content.wait_eof()
                return content.read_nowait()
            ways = {"any": content.iter_any, "sized": lambda: content.iter_chunked(7)}
            if way == "chunks":
                return b"".join([piece async for piece, _ in content.iter_chunks()])
            return b"".join([piece async for piece in ways.get(way, lambda: content)()])

    assert within(url, call).rstrip().endswith(b"data: [DONE]")
    assert settled() == ("success", {"openai/gpt-x/requests": 1, "openai/gpt-x/tokens": 6})


def test_a_stream_that_is_left_is_settled_for_what_came(
    url: str, providers: Any, settled: Any
) -> None:
    async def leave(session: Any) -> None:
        async with session.post(url, json={**STREAM, "max_tokens": 500}) as answer:
            for _ in range(20):  # each event is followed by an empty line
                await answer.content.readline()

    providers.openai.pause = 0.01
    within(url, leave)
    outcome, units = settled()
    assert outcome == "error"
    assert 10 <= units["openai/gpt-x/tokens"] < 400


def test_a_task_that_is_cancelled_is_settled_for_what_came(
    url: str, providers: Any, settled: Any
) -> None:
    async def cancelled(session: Any) -> None:
        begun = asyncio.Event()

        async def read() -> None:
            async with session.post(url, json={**STREAM, "max_tokens": 500}) as answer:
                async for _ in answer.content:
                    begun.set()

        task = asyncio.create_task(read())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    providers.openai.pause = 0.01
    within(url, cancelled)
    outcome, units = settled()
    assert outcome == "error"
    assert units["openai/gpt-x/tokens"] < 400


def test_a_denial_is_a_response_of_aiohttp(url: str, providers: Any) -> None:
    async def call(session: Any) -> None:
        async with session.post(url, json=ASK) as answer:
            assert answer.status == 429
            assert answer.reason == "Too Many Requests"
            assert answer.content_type == "application/json"
            assert answer.headers["x-ratelord-reason"] == "policy"
            assert (await answer.json())["error"]["code"] == "rate_limit_exceeded"
            assert "not you" in await answer.text()
        with pytest.raises(aiohttp.ClientResponseError, match="429"):
            await session.post(url, json=ASK, raise_for_status=True)

    within(url, call, agent_id="agent:banned")
    assert providers.openai.asked == []


def test_a_provider_that_is_gone_costs_nothing(url: str, settled: Any) -> None:
    async def call(session: Any) -> None:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.post("http://127.0.0.1:9/v1/chat/completions", json=ASK)

    within(url, call, agent_id="agent:capped")
    outcome, units = settled()
    assert outcome == "cancelled"
    assert set(units.values()) == {0}


def test_nobody_gets_around_it_and_nobody_asks_twice(url: str, providers: Any, desk: Any) -> None:
    seen = []

    async def mine(request: Any, send: Any) -> Any:
        seen.append(request.url.path)
        return await send(request)

    async def call(session: Any) -> None:
        ratelord.capture(session, speech="openai", agent_id="agent:second")
        async with session.post(url, json=ASK, middlewares=(mine,)) as answer:
            await answer.read()
        async with session.get(f"{providers.openai_url}/models") as answer:
            assert answer.status == 200, "what is no call of a model just passes"

    before = len(desk.events("intent_decided"))
    within(url, call)
    decided = desk.events("intent_decided")[before:]
    assert [one["dimensions"]["agent_id"] for one in decided] == ["agent:second"]
    assert seen == ["/v1/chat/completions"]
