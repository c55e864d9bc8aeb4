"""A server on standard input and output that ends when it is told to, or when nobody listens.

The library's own streams read in a worker thread that cannot be interrupted; these read in a
thread that nobody waits for.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, cast

import anyio

from ratelord_mcp.glance import NO_MESSAGE, Glance, glance
from ratelord_mcp.unanswered import Unanswered
from ratelord_mcp.writer import Writer

if TYPE_CHECKING:
    from mcp.server.lowlevel.server import Server

LONGEST_LINE: Final = 4 * 1024 * 1024
"""Bytes of one message; what is longer is cut, and then is no message any more."""
_CUT: Final = 256
_AHEAD: Final = 64
"""Messages that are read before they are needed."""


async def serve(server: Server[Any]) -> None:
    """Serve until the input ends, SIGINT or SIGTERM comes, or the client no longer reads.

    Standard output belongs to the protocol alone: whatever else prints there goes to standard
    error while this runs.
    """
    from mcp.server.stdio import stdio_server  # noqa: PLC0415 - imported sparingly by the verb

    source, sink = claim()
    try:
        async with anyio.create_task_group() as group:
            with told_to_stop(group.cancel_scope.cancel):
                output = Output(sink)
                # Both are files of anyio as far as they are used.
                lines, written = cast("Any", messages(Lines(source), output)), cast("Any", output)
                async with stdio_server(lines, written) as (incoming, outgoing):
                    await server.run(incoming, outgoing, server.create_initialization_options())
            group.cancel_scope.cancel()
    except* (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError) as gone:
        logging.getLogger(__name__).info("the client is gone: %s", gone.exceptions[0])


def split(read: Callable[[], bytes], longest: int = LONGEST_LINE) -> Iterator[bytes]:
    """Lines from pieces of any size, without their ends; ``read`` gives b"" at the end."""
    kept, cut = bytearray(), False
    while piece := read():
        *ended, begun = piece.split(b"\n")
        for part in ended:
            yield bytes(kept if cut else kept + part)
            kept, cut = bytearray(), False
        if not cut:
            kept += begun
        if len(kept) > longest:
            kept, cut = kept[:_CUT], True
    if kept:
        yield bytes(kept)


async def messages(lines: Lines, output: Output) -> AsyncIterator[str]:
    """The lines that are messages; of any other the client is told at once, for the library would
    let it wait for ever. They end when the input has ended and what was asked is answered: the
    library then cancels whatever it still works on."""
    async for line in lines:
        seen = glance(line)
        complaint = complaint_about(line, seen)
        if complaint is None:
            if seen is not None:
                output.unanswered.heard(seen)
            yield line
        elif complaint:
            await output.write(complaint)
    await output.unanswered.none_left()


def complaint_about(line: str, seen: Glance | None) -> str | None:
    """What to answer to a line that is no message, "" if nothing; None if it is one."""
    from mcp.types import jsonrpc_message_adapter  # noqa: PLC0415 - imported sparingly by the verb

    if not line.strip():
        return ""
    try:
        jsonrpc_message_adapter.validate_json(line, by_name=False)
    except (ValueError, RecursionError):
        if seen is not None and seen.is_answer:
            return ""
    else:
        if seen is None or seen.is_answerable():
            return None
    return NO_MESSAGE.decode().replace('"id":null', f'"id":{_id_of(seen)}') + "\n"


def _id_of(seen: Glance | None) -> str:
    """The id to answer to, as JSON."""
    usable = seen is not None and type(seen.id) in (int, str)
    return json.dumps(seen.id) if seen is not None and usable else "null"


class Lines:
    """The lines of a descriptor as text, as they come."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._room = threading.Semaphore(_AHEAD)
        threading.Thread(target=self._read, name="stdin", daemon=True).start()

    def __aiter__(self) -> Lines:
        return self

    async def __anext__(self) -> str:
        line = await self._queue.get()
        self._room.release()
        if line is None:
            raise StopAsyncIteration
        return line

    def _read(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody wants them
            with contextlib.suppress(OSError):  # a descriptor that is gone has no more lines
                for line in split(lambda: os.read(self._descriptor, 65_536)):
                    self._put(line.decode("utf-8", "surrogateescape"))
            self._put(None)

    def _put(self, line: str | None) -> None:
        self._room.acquire()
        self._loop.call_soon_threadsafe(self._queue.put_nowait, line)


class Output:
    """What is written to a descriptor. ``unanswered`` is what the client asked and has no answer
    to."""

    def __init__(self, descriptor: int) -> None:
        self.unanswered = Unanswered()
        self._writer = Writer(descriptor)

    async def write(self, text: str) -> None:
        """Write all of it."""
        await self._writer.write(text.encode())
        self.unanswered.said(text)

    async def flush(self) -> None:
        """Nothing is kept back."""


def claim() -> tuple[int, int]:
    """Private copies of standard input and output, which then lead elsewhere."""
    sys.stdout.flush()
    source, sink = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return source, sink


@contextlib.contextmanager
def told_to_stop(stop: Callable[[], None]) -> Iterator[None]:
    """SIGINT and SIGTERM call ``stop`` within the block."""
    loop = asyncio.get_running_loop()
    before = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}
    for name in before:
        if sys.platform == "win32":  # loops know no signals there
            signal.signal(name, lambda *_: loop.call_soon_threadsafe(stop))
        else:
            loop.add_signal_handler(name, stop)
    try:
        yield
    finally:
        for name, handler in before.items():
            if sys.platform != "win32":
                loop.remove_signal_handler(name)
            signal.signal(name, handler or signal.SIG_DFL)
