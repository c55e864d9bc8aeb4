"""Puts a gateway together on standard input and output, and runs it until either side ends."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import anyio
import msgspec

from ratelord_core.clock import SystemClock, SystemEntropy
from ratelord_mcp.bridge.line import Line
from ratelord_mcp.gateway.desk import Asker, Desk
from ratelord_mcp.gateway.pipes import Command, Descriptors, Server
from ratelord_mcp.gateway.relay import Relay
from ratelord_mcp.stdio import claim, told_to_stop


class Wrapped(msgspec.Struct, frozen=True):
    """The server: a command, or an address with the headers that it wants."""

    command: tuple[str, ...] = ()
    url: str = ""
    headers: Mapping[str, str] = {}


def run(wrapped: Wrapped, asker: Asker, line: Line) -> int:
    """Serve until either side ends; the server's exit code."""
    source, sink = claim()
    return asyncio.run(_serve(wrapped, asker, line, source, sink))


async def _serve(wrapped: Wrapped, asker: Asker, line: Line, source: int, sink: int) -> int:
    code = 0
    async with _reached(wrapped) as server:
        desk = Desk(line, asker, SystemClock())
        relay = Relay(Descriptors(source, sink), server, desk, SystemEntropy())
        with anyio.CancelScope() as scope, told_to_stop(scope.cancel):
            await relay.run()
        with anyio.CancelScope(shield=True):
            code = await server.close()
            await line.close()
    # Told to stop, or left by its client, it has done its work; else it ended by itself.
    return 0 if scope.cancelled_caught or code < 0 else code


@asynccontextmanager
async def _reached(wrapped: Wrapped) -> AsyncIterator[Server]:
    if wrapped.url:
        from ratelord_mcp.gateway.http_server import reached  # noqa: PLC0415 - loads the library

        async with reached(wrapped.url, wrapped.headers) as server:
            yield server
    else:
        yield await Command.start(wrapped.command)


def named(command: Sequence[str], url: str) -> str:
    """What a server is called that nobody named: after its address, or after what is run."""
    if url:
        return url.partition("://")[2].partition("/")[0].partition(":")[0] or "server"
    words = list(command)
    first = os.path.basename(words[0])  # noqa: PTH119 - a command may be no path
    if first.partition(".")[0] in _RUNNERS or first.startswith("python"):
        rest = [word for word in words[1:] if not word.startswith("-") and word not in _RUNNERS]
        if rest:
            first = os.path.basename(rest[0]).partition("@")[0]  # noqa: PTH119 - as above
    return first.rpartition(".")[0] if first.endswith((".py", ".js", ".mjs", ".exe")) else first


_RUNNERS = frozenset({"uvx", "uv", "npx", "npm", "node", "deno", "bunx", "run", "exec", "tool"})
