"""Asks for somebody who may go away meanwhile: an answer that nobody hears must hold nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from ratelord_core.arbiter import Arbiter
from ratelord_core.errors import RatelordError
from ratelord_core.model.caller import Caller
from ratelord_core.model.decision import Decision
from ratelord_core.model.intent import Intent, Report

DECIDED: Final = "ratelord.decided"
"""Where the scope of a request has its decision, if it was made before the library saw it."""

_log = logging.getLogger(__name__)
_freeing: set[asyncio.Task[None]] = set()
"""The loop keeps no task alive by itself."""


async def decide(arbiter: Arbiter, intent: Intent, caller: Caller) -> Decision:
    """The answer. Should the call be cancelled before it is durable, its hold is freed as soon as
    it is: unless the question has a key, with which the asker may come back for the answer."""
    asked = arbiter.begin(intent, caller)
    if intent.idempotency_key is not None:
        return await asked
    try:
        return await asyncio.shield(asked)
    except asyncio.CancelledError:
        asked.add_done_callback(lambda done: free_unheard(done, arbiter, caller))
        raise


async def free(arbiter: Arbiter, decision: Decision, caller: Caller) -> None:
    """Give back what a decision holds."""
    try:
        await arbiter.report(decision.intent_id, Report("cancelled"), caller)
    except RatelordError as error:
        _log.warning("intent %s keeps its hold until it expires: %s", decision.intent_id, error)


def nobody_waits(receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> bool:
    """Whether the client of an HTTP request, which was read in full, has hung up. Does not wait."""
    waiting = receive().__await__()
    try:
        next(waiting)
    except StopIteration as known:
        return bool(known.value["type"] == "http.disconnect")
    close = getattr(waiting, "close", None)
    if close is not None:
        close()
    return False


def free_unheard(done: asyncio.Future[Decision], arbiter: Arbiter, caller: Caller) -> None:
    """Give back what a decision holds that nobody hears of, once it is durable."""
    if done.cancelled() or done.exception() is not None or not done.result().allowed:
        return
    task = asyncio.ensure_future(free(arbiter, done.result(), caller))
    _freeing.add(task)
    task.add_done_callback(_freeing.discard)
