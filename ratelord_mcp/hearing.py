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
from ratelord_mcp.last_words import keep, unbroken

DECIDED: Final = "ratelord.decided"
"""Where the scope of a request has its decision, if it was made before the library saw it."""

_log = logging.getLogger(__name__)


async def decide(arbiter: Arbiter, intent: Intent, caller: Caller) -> Decision:
    """The answer. Should the call be cancelled before it is durable, its hold is freed as soon as
    it is: unless the question has a key, with which the asker may come back for the answer."""
    asked = arbiter.begin(intent, caller)
    if intent.idempotency_key is not None:
        return await asked
    return await heard(asked, arbiter, caller)


async def heard(asked: asyncio.Future[Decision], arbiter: Arbiter, caller: Caller) -> Decision:
    """The answer; if the call is cancelled before it is there, what it holds is freed then."""
    try:
        return await unbroken(asked)
    except asyncio.CancelledError:
        free_unheard(asked, arbiter, caller)
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


def free_unheard(asked: asyncio.Future[Decision], arbiter: Arbiter, caller: Caller) -> None:
    """Give back what a decision holds that nobody hears of, once it is durable."""
    keep(_freed_once_known(asked, arbiter, caller))


async def _freed_once_known(
    asked: asyncio.Future[Decision], arbiter: Arbiter, caller: Caller
) -> None:
    try:
        await asyncio.wait((asked,))
    except asyncio.CancelledError:
        asked.cancel()  # nobody is left to whom it could be told
        raise
    if not asked.cancelled() and asked.exception() is None and asked.result().allowed:
        await free(arbiter, asked.result(), caller)
