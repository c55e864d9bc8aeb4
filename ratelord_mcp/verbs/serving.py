"""Putting a server together for standard input and output, over a daemon or over an own core."""

from __future__ import annotations

import asyncio
import logging
import sys

import anyio

from ratelord_core import plugins
from ratelord_core.clock import SystemClock
from ratelord_core.model.caller import Caller
from ratelord_mcp import last_words
from ratelord_mcp.bridge.line import Line
from ratelord_mcp.bridge.opening import line_to_daemon
from ratelord_mcp.bridge.remote_arbiter import RemoteArbiter
from ratelord_mcp.call import Context
from ratelord_mcp.server import Offers, build
from ratelord_mcp.stdio import serve, told_to_stop

_GREETING = 0.1
"""Seconds in which the client is greeted before anything else is loaded."""

AT_THIS_TERMINAL = Caller(door="mcp")
"""Whoever started the process; a daemon that wants a token judges by that."""


def serve_bridge(url: str | None, token: str | None, *, start: bool) -> None:
    """Serve over the daemon, which is found or started while the client is greeted."""
    _log_to_stderr()
    asyncio.run(_bridge(line_to_daemon(url, token, start=start)))


async def _bridge(line: Line) -> None:
    arbiter = RemoteArbiter(line, SystemClock())
    server = build(arbiter, _caller_of, blocking=True, offers=_offers())
    async with anyio.create_task_group() as group:
        group.start_soon(_open_soon, line)
        await serve(server)
        group.cancel_scope.cancel()
    line.seek_no_more()
    await _say_last_words()
    await line.close()


async def _open_soon(line: Line) -> None:
    await anyio.sleep(_GREETING)
    await line.open()


def serve_embedded() -> None:
    """Serve over a core of our own, with the settings that a daemon would have here."""
    _log_to_stderr()
    asyncio.run(_embedded())


async def _embedded() -> None:
    from ratelord_core.daemon import embedded
    from ratelord_core.settings import load_settings

    async with embedded(load_settings()) as arbiter:
        await serve(build(arbiter, _caller_of, offers=_offers()))
        await _say_last_words()


async def _say_last_words() -> None:
    """Before the way to the arbiter is closed; told to stop meanwhile, it stops."""
    with anyio.CancelScope() as scope, told_to_stop(scope.cancel):
        await last_words.finish()


def _offers() -> Offers:
    """Tools and resources of every plugin that is installed here."""
    loaded = plugins.load()
    return lambda hook: [thing for _, thing in loaded.gather(hook)]


def _caller_of(_context: Context) -> Caller:
    return AT_THIS_TERMINAL


def _log_to_stderr() -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="ratelord: %(message)s")
