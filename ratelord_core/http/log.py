"""The log itself: proven, and spared by snapshots."""

from __future__ import annotations

from ratelord_core.arbiter import Authority
from ratelord_core.http.exchange import Answer, Exchange, json_reply


class Log:
    """What HTTP does with the log as a whole."""

    def __init__(self, arbiter: Authority) -> None:
        self._arbiter = arbiter

    async def snapshot(self, exchange: Exchange) -> Answer:
        """Take a snapshot of the state, so that the next start replays only what comes after it.

        It is made beside the daemon, from the log; a 409 if one is being made.
        """
        return json_reply(await self._arbiter.snapshot(exchange.caller))

    async def verify(self, exchange: Exchange) -> Answer:
        """Whether the log is what was written, and yields what the daemon and its snapshot say.

        Reads the whole log, beside the daemon; that takes seconds for a million events.
        """
        return json_reply(await self._arbiter.verify(exchange.caller))
