"""The line to the daemon, which is looked for again whenever it does not answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from anyio.to_thread import run_sync

from ratelord import DaemonUnreachable
from ratelord.connection import Connection, patience

if TYPE_CHECKING:
    from ratelord import AsyncClient, Client

Found = TypeVar("Found")

REST: Final = 2.0
"""Seconds between two searches that find nothing, so that a busy agent gets its denials at once."""
LONGEST: Final = 18.0
"""Seconds of ``RATELORD_TIMEOUT`` that count here: no tool may block for 20."""


class Ends(NamedTuple):
    """A connection's two clients: one for tasks, one for threads."""

    connection: Connection
    asking: AsyncClient
    looking: Client


class Line:
    """Speaks to the daemon where it is now.

    ``seek`` finds the daemon, or starts it; it blocks, so it runs in a thread, one at a time. It
    raises ``DaemonUnreachable``. A call that finds nobody is made once more after a new search.
    """

    def __init__(
        self, seek: Callable[[], Connection], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._seek = seek
        self._monotonic = monotonic
        self._searching = threading.Lock()
        self._ends: Ends | None = None
        self._past: list[Ends] = []
        self._failed: DaemonUnreachable | None = None
        self._failed_at = 0.0
        self._parting = False

    async def open(self) -> None:
        """Look for the daemon now, so that the first call need not; finding none is no error."""
        try:
            await run_sync(self._search, None, abandon_on_cancel=True)
        except DaemonUnreachable:
            return

    async def speak(self, call: Callable[[AsyncClient], Awaitable[Found]]) -> Found:
        """What a call of the asynchronous client answers."""
        ends = self._ends
        if ends is not None:
            try:
                return await call(ends.asking)
            except DaemonUnreachable as error:
                if error.outcome_unknown:
                    raise
        ends = await run_sync(self._search, ends, abandon_on_cancel=True)
        return await call(ends.asking)

    def look(self, call: Callable[[Client], Found]) -> Found:
        """What a call of the blocking client answers; made in threads."""
        ends = self._ends
        if ends is not None:
            try:
                return call(ends.looking)
            except DaemonUnreachable as error:
                if error.outcome_unknown:
                    raise
        return call(self._search(ends).looking)

    def seek_no_more(self) -> None:
        """Whoever is not there now is gone: nobody is looked for, or started, for a last word."""
        self._parting = True

    async def close(self) -> None:
        """Hang up."""
        for ends in (*self._past, *([self._ends] if self._ends else ())):
            await ends.asking.close()
            ends.looking.close()

    def _search(self, stale: Ends | None) -> Ends:
        with self._searching:
            if self._ends is not None and self._ends is not stale:
                return self._ends  # somebody else found it while we waited
            if self._parting:
                raise DaemonUnreachable("the daemon is gone; it is not looked for any more")
            self._rest()
            try:
                found = self._seek()
            except DaemonUnreachable as error:
                self._failed, self._failed_at = error, self._monotonic()
                raise
            return self._renewed(found)

    def _rest(self) -> None:
        if self._failed is not None and self._monotonic() - self._failed_at < REST:
            raise self._failed

    def _renewed(self, found: Connection) -> Ends:
        from ratelord import AsyncClient, Client  # noqa: PLC0415 - not before the client is greeted

        before = self._ends
        if before is not None:
            if before.connection == found:
                return before
            self._past.append(before)
        url, socket, token = found.url, found.socket, found.token
        timeout = min(patience(), LONGEST)
        self._ends = Ends(
            found,
            AsyncClient(url, socket=socket, token=token, timeout=timeout, auto_wait=False),
            Client(url, socket=socket, token=token, timeout=timeout, auto_wait=False),
        )
        return self._ends
