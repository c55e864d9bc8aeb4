"""A process beside the daemon: a task goes in, lines come out."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

_LINE = 64 * 1024 * 1024
"""The longest line of a player: the largest result that bounds allow."""
_PASSED_ON = (
    "PATH", "PYTHONPATH", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV", "COVERAGE_PROCESS_CONFIG",
)  # fmt: skip
"""Variables that a player may see: none of the daemon's settings and secrets are among them."""


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of a player: it has read its task (``title``), how far it is, what came of it, a part
    of that which does not wait for the whole, or what is wrong with the task."""

    title: str = ""
    progress: float = 0.0
    result: dict[str, Any] | None = None
    part: dict[str, Any] | None = None
    findings: list[dict[str, Any]] = []
    error: str = ""


class Player:
    """One such process, in a folder of its own, with nothing of the daemon's surroundings."""

    def __init__(self, module: str, task: bytes) -> None:
        self._module = module
        self._task = task
        self._process: asyncio.subprocess.Process | None = None

    async def lines(self) -> AsyncIterator[Said]:
        """Start it, and hear what it says until it ends. Raises ``OSError``, and
        ``msgspec.DecodeError`` or ``ValueError`` for what is no line of a player."""
        with TemporaryDirectory(prefix="ratelord-") as folder:
            try:
                self._process = process = await self._begin(folder)
                assert process.stdin is not None  # noqa: S101 - a pipe was asked for
                assert process.stdout is not None  # noqa: S101 - as above
                process.stdin.write(self._task)
                process.stdin.close()
                while line := await process.stdout.readline():
                    yield msgspec.json.decode(line, type=Said)
            finally:
                await self.end()

    async def _begin(self, folder: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self._module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=_LINE,
            cwd=folder,
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        )

    def kill(self) -> None:
        """End it at once, if it runs."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()

    async def end(self) -> None:
        """End it, and return when it has."""
        self.kill()
        if self._process is not None:
            await self._process.wait()
