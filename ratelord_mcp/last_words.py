"""What is still told to an arbiter for somebody who has gone away meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

Found = TypeVar("Found")

PARTING: Final = 1.2
"""Seconds that leaving may take for it: hosts that hang up wait for two before they kill."""

_log = logging.getLogger(__name__)
_words: set[asyncio.Task[Any]] = set()
"""Of every loop: no loop keeps a task alive by itself."""


def keep(words: Coroutine[Any, Any, Found]) -> asyncio.Task[Found]:
    """A task that goes on by itself, and that ``finish`` waits for."""
    task = asyncio.ensure_future(words)
    _words.add(task)
    task.add_done_callback(_words.discard)
    return task


async def unbroken(asked: asyncio.Future[Found]) -> Found:
    """What it comes to; it goes on if whoever waits here is cancelled. A failure that nobody is
    left to hear of is nobody's: unlike with ``asyncio.shield`` no loop complains of it."""
    rung = asked.get_loop().create_future()

    def ring(_done: asyncio.Future[Found]) -> None:
        if not rung.done():
            rung.set_result(None)

    asked.add_done_callback(ring)
    try:
        await rung
    finally:
        asked.remove_done_callback(ring)
    return asked.result()


async def told(words: Coroutine[Any, Any, Found], what: str) -> Found:
    """What saying it comes to; it is said even if whoever waits here is cancelled. If that fails
    then, a line of the log says ``what`` was not told."""
    saying = keep(words)
    try:
        return await unbroken(saying)
    except asyncio.CancelledError:
        saying.add_done_callback(lambda done: _say_if_lost(done, what))
        raise


async def finish(seconds: float = PARTING) -> None:
    """Let what is still to be said in this loop be said, for so long at most; the rest is dropped.

    For whoever is about to close the way to the arbiter. A hold that was not given back expires.
    """
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    try:
        while (left := ends - loop.time()) > 0 and (unsaid := _unsaid(loop)):
            await asyncio.wait(unsaid, timeout=left)
    finally:
        dropped = _unsaid(loop)
        for task in dropped:
            task.cancel()
    if dropped:
        await asyncio.wait(dropped)


def _unsaid(loop: asyncio.AbstractEventLoop) -> list[asyncio.Task[Any]]:
    return [task for task in _words if task.get_loop() is loop and not task.done()]


def _say_if_lost(said: asyncio.Future[Any], what: str) -> None:
    error = None if said.cancelled() else said.exception()
    if error is not None:
        _log.warning("%s was not told to the daemon: %s", what, error)
