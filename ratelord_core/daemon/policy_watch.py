"""Notices that the policy file changed, and has it read again once it is written in full."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path

_log = logging.getLogger(__name__)

Stamp = tuple[int, int, int, int]


def digest_of(content: bytes) -> str:
    """What tells two contents of the file apart."""
    return sha256(content).hexdigest()


class PolicyWatch:
    """Looks at the file's size and times, which costs a microsecond or two, and at its content when
    these changed and then stayed alike from one look to the next: a file that is being written is
    left alone. Works on every file system, and through replaced and linked files."""

    def __init__(
        self, path: Path, read_before: Callable[[], str], reload: Callable[[], Awaitable[None]]
    ) -> None:
        """``read_before`` is the digest of what was read last, by whomever."""
        self._path = path
        self._read_before = read_before
        self._reload = reload
        self._settled = self._stamp()
        self._last = self._settled

    async def run(self, every: float) -> None:
        """Look every so many seconds, for ever."""
        while True:
            await asyncio.sleep(every)
            try:
                await self.look()
            except Exception:  # noqa: BLE001 - one bad look must not end the watch
                _log.exception("the policy file could not be looked at; the watch goes on")

    async def look(self) -> bool:
        """Look once; whether the file was read again."""
        stamp, before = self._stamp(), self._last
        self._last = stamp
        if stamp is None or stamp == self._settled or stamp != before:
            return False
        content = await asyncio.to_thread(self._path.read_bytes)
        if self._stamp() != stamp:
            return False
        self._settled = stamp
        if digest_of(content) == self._read_before():
            return False
        await self._reload()
        return True

    def _stamp(self) -> Stamp | None:
        """None while there is no such file: then what is in force stays in force."""
        try:
            seen = self._path.stat()
        except OSError:
            return None
        return seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size, seen.st_ino
