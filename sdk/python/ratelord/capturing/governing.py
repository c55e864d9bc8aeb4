"""Asking and reporting for a call: the daemon's client on one side, a conversation on the other."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import anyio

from ratelord.capturing.conversation import Conversation
from ratelord.capturing.lateness import MOST_ANSWERS, ran_out, too_late
from ratelord.capturing.speech import Refusal
from ratelord.errors import RatelordError

if TYPE_CHECKING:
    from ratelord.async_client import AsyncClient
    from ratelord.client import Client

_log = logging.getLogger("ratelord")


def ask(client: Client, call: Conversation) -> Refusal | None:
    """May it go ahead? Waits if told; the refusal to give otherwise. Raises ``RequestRefused`` if
    the names that the call is asked for by are wrong."""
    ids, options = call.names.ids, call.options()
    for _ in range(MOST_ANSWERS):
        asked_at = time.monotonic()
        decision = client.ask(*ids, **options)
        if not ran_out(decision, time.monotonic() - asked_at):
            break
        _send(client, decision.intent_id, {"outcome": "cancelled"})
    else:
        decision = too_late(decision)
    refused = call.refused(decision, client.unapplied(decision))
    if refused is not None and decision.allowed:
        _send(client, decision.intent_id, {"outcome": "cancelled"})
    return refused


def settle(client: Client, call: Conversation, *, ended: bool) -> None:
    """Report what the call used. A report that cannot be delivered is noted, not raised: the hold
    becomes use when it expires."""
    if call.intent_id:
        _send(client, call.intent_id, call.report(ended=ended))


def free(client: Client, call: Conversation) -> None:
    """Report a call that never reached its provider."""
    if call.intent_id:
        _send(client, call.intent_id, {"outcome": "cancelled"})


def _send(client: Client, intent_id: str, said: dict[str, Any]) -> None:
    try:
        client.report(intent_id, **said)
    except RatelordError as error:
        _log.warning("intent %s was not reported: %s", intent_id, error)


async def ask_async(
    client: AsyncClient, call: Conversation, reporting: Collection[asyncio.Task[None]] = ()
) -> Refusal | None:
    """``ask`` for programs that await. ``reporting`` are the reports that are on their way: an
    answer that is not "now" may be for what they give back, and is asked for again after them."""
    under_way = tuple(reporting)
    ids, options = call.names.ids, call.options()
    for _ in range(MOST_ANSWERS):
        asked_at = time.monotonic()
        decision = await client.ask(*ids, auto_wait=False if under_way else None, **options)
        waits = decision.wait_seconds or not decision.allowed
        over = ran_out(decision, time.monotonic() - asked_at)
        if not over and (not under_way or not waits or decision.synthetic):
            break
        if decision.allowed:
            await _send_async(client, decision.intent_id, {"outcome": "cancelled"})
        if under_way:
            await asyncio.wait(under_way)
            under_way = ()
    else:
        decision = too_late(decision)
    refused = call.refused(decision, client.unapplied(decision))
    if refused is not None and decision.allowed:
        await _send_async(client, decision.intent_id, {"outcome": "cancelled"})
    return refused


async def settle_async(client: AsyncClient, call: Conversation, *, ended: bool) -> None:
    """``settle`` for programs that await: also when they are being cancelled."""
    if call.intent_id:
        said = call.report(ended=ended)
        with anyio.CancelScope(shield=True):
            await _send_async(client, call.intent_id, said)


async def free_async(client: AsyncClient, call: Conversation) -> None:
    """``free`` for programs that await."""
    if call.intent_id:
        with anyio.CancelScope(shield=True):
            await _send_async(client, call.intent_id, {"outcome": "cancelled"})


async def _send_async(client: AsyncClient, intent_id: str, said: dict[str, Any]) -> None:
    try:
        await client.report(intent_id, **said)
    except RatelordError as error:
        _log.warning("intent %s was not reported: %s", intent_id, error)
