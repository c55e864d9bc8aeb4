"""What is said for somebody who went away, and which requests still want an answer."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import anyio
import pytest

from ratelord_core.agent_tools import ToolCall
from ratelord_core.errors import Unavailable
from ratelord_mcp import last_words
from ratelord_mcp.glance import Glance
from ratelord_mcp.unanswered import Unanswered

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Word:
    """Something that is said when the test lets it."""

    def __init__(self, error: Exception | None = None) -> None:
        self.may = asyncio.Event()
        self.was_said = False
        self._error = error

    async def say(self) -> str:
        await self.may.wait()
        if self._error is not None:
            raise self._error
        self.was_said = True
        return "heard"


async def left_alone(word: Word) -> None:
    """Say it for somebody who goes away before it is said."""
    asker = asyncio.ensure_future(last_words.told(word.say(), "a word"))
    await asyncio.sleep(0)
    asker.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asker


async def test_whoever_stays_hears_what_it_came_to() -> None:
    word, failing = Word(), Word(Unavailable("nobody there", code="gone"))
    for each in (word, failing):
        each.may.set()

    assert await last_words.told(word.say(), "a word") == "heard"
    with pytest.raises(Unavailable):
        await last_words.told(failing.say(), "a word")


async def test_whoever_goes_is_spoken_for_and_leaving_waits_for_it() -> None:
    word = Word()
    await left_alone(word)
    asyncio.get_running_loop().call_later(0.01, word.may.set)

    await last_words.finish(60)

    assert word.was_said


async def test_leaving_waits_no_longer_than_it_may() -> None:
    word = Word()
    await left_alone(word)

    await last_words.finish(0)
    word.may.set()
    await asyncio.sleep(0)

    assert not word.was_said


async def test_what_could_not_be_said_is_one_line_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    word = Word(Unavailable("daemon unreachable", code="daemon_unreachable"))
    await left_alone(word)
    word.may.set()

    with caplog.at_level(logging.WARNING):
        await last_words.finish(60)

    assert caplog.messages == ["a word was not told to the daemon: daemon unreachable"]


async def test_a_look_that_nobody_waits_for_any_more_keeps_no_last_words() -> None:
    over, seen = threading.Event(), list[bool]()
    nobody: Any = None
    call = ToolCall(nobody, nobody, None, blocking=True)

    with anyio.move_on_after(0.01):
        await call.look(lambda: seen.append(over.wait(10)))

    assert seen == []
    over.set()


async def test_requests_are_open_until_they_are_answered_or_taken_back() -> None:
    open_ones = Unanswered()
    open_ones.heard(Glance(id=1, method="tools/call"))
    open_ones.heard(Glance(id="two", method="ping"))
    open_ones.heard(Glance(id=3, method="subscriptions/listen"))
    open_ones.heard(Glance(method="notifications/initialized"))
    open_ones.heard(Glance(id=9, result={}))
    leaving = asyncio.ensure_future(open_ones.none_left())
    await asyncio.sleep(0)

    open_ones.said('{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{}}')
    open_ones.said('{"jsonrpc":"2.0","id":1,"result":{"content":[]}}')
    await asyncio.sleep(0)
    assert not leaving.done()
    open_ones.heard(Glance(method="notifications/cancelled", params={"requestId": "two"}))

    await leaving
