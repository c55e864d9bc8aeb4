"""The two sides of the gateway: lines that come, and lines that go."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, Protocol

import anyio

from ratelord_mcp.gateway.learning import Limited
from ratelord_mcp.gateway.messages import Key
from ratelord_mcp.stdio import split
from ratelord_mcp.writer import Writer

LONGEST_LINE: Final = 256 * 1024 * 1024
"""Bytes of one message: a whole file in base64 passes, a server gone mad does not."""
_AHEAD: Final = 64
_PATIENCE: Final = 2.0
"""Seconds that a server gets to end by itself, and then to heed a signal."""


class Side(Protocol):
    """A client or a server, as lines."""

    def lines(self) -> AsyncIterator[bytes]:
        """The messages that come, until there are no more."""
        ...

    async def send(self, line: bytes) -> None:
        """Pass one message; ``OSError`` if nobody takes it any more."""
        ...


class Server(Side, Protocol):
    """The side that is wrapped."""

    async def hear_no_more(self) -> None:
        """Nothing more will be sent."""
        ...

    async def close(self) -> int:
        """End it; its exit code."""
        ...

    def limit_of(self, key: Key) -> Limited | None:
        """The limit that a request ran into below the protocol, if the transport saw one."""
        ...


class Descriptors:
    """Lines over two file descriptors, which may be pipes, files or a terminal."""

    def __init__(self, source: int, sink: int) -> None:
        self._source = source
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._room = threading.Semaphore(_AHEAD)
        self._writer = Writer(sink)

    async def lines(self) -> AsyncIterator[bytes]:
        threading.Thread(target=self._read, name="stdin", daemon=True).start()
        while (line := await self._queue.get()) is not None:
            self._room.release()
            if line.strip():
                yield line

    def _read(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody wants them
            with contextlib.suppress(OSError):  # a descriptor that is gone has no more lines
                for line in split(lambda: os.read(self._source, 65_536), LONGEST_LINE):
                    self._put(line)
            self._put(None)

    def _put(self, line: bytes | None) -> None:
        self._room.acquire()
        self._loop.call_soon_threadsafe(self._queue.put_nowait, line)

    async def send(self, line: bytes) -> None:
        await self._writer.write(line + b"\n")


class Command:
    """A server in a process of its own, spoken to over its standard input and output; its standard
    error is ours."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._turn = asyncio.Lock()

    @classmethod
    async def start(cls, words: Sequence[str]) -> Command:
        """Start it. Raises ``OSError`` if there is no such command."""
        own_group = sys.platform != "win32"
        process = await asyncio.create_subprocess_exec(
            *words, stdin=PIPE, stdout=PIPE, limit=LONGEST_LINE, start_new_session=own_group
        )
        return cls(process)

    async def lines(self) -> AsyncIterator[bytes]:
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101 - it was started with pipes
        with contextlib.suppress(ValueError):  # a line without an end is no protocol any more
            while line := await stdout.readline():
                if line.strip():
                    yield line.rstrip(b"\r\n")

    async def send(self, line: bytes) -> None:
        stdin = self._process.stdin
        assert stdin is not None  # noqa: S101 - it was started with pipes
        async with self._turn:
            stdin.write(line + b"\n")
            await stdin.drain()

    def limit_of(self, key: Key) -> Limited | None:
        return None

    async def hear_no_more(self) -> None:
        stdin = self._process.stdin
        if stdin is not None:
            stdin.close()

    async def close(self) -> int:
        await self.hear_no_more()
        for stop in (None, signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
            if stop is not None:
                self._signal(stop)
            with anyio.move_on_after(_PATIENCE):
                return await self._process.wait()
        return 1

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            if sys.platform == "win32":
                self._process.send_signal(number)
            else:  # what it started as well: uvx and npx only hand on
                os.killpg(self._process.pid, number)


Note = Callable[[str], None]
"""Says something to whoever reads the log of the client."""


def note(said: str) -> None:
    """On standard error, in one line."""
    print(f"ratelord: {said}", file=sys.stderr, flush=True)
