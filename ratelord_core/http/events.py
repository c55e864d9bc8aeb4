"""The log, by the page or as it grows."""

from __future__ import annotations

from ratelord_core.arbiter import Arbiter, EventFilter
from ratelord_core.http.exchange import Answer, Exchange, Reply, json_reply
from ratelord_core.http.parameters import (
    AGENT,
    IDENTITY,
    POOL,
    SCOPE,
    WORKLOAD,
    Choice,
    Instant,
    Number,
    Text,
    Texts,
)
from ratelord_core.http.query import Query
from ratelord_core.http.sse import STREAM_TYPE, EventStream, Followers

STREAM = Choice(
    "stream", "send the log as it grows, as Server-Sent Events", options=("false", "true", "1", "0")
)
ORDER = Choice("order", "newest or oldest first", options=("desc", "asc"))
SIZE = Number("limit", "how many events", least=1, most=1000, default=50)
SEQ_AFTER = Number("after", "only events with a greater `seq`")
SEQ_BEFORE = Number("before", "only events with a smaller `seq`")
SINCE = Instant("from", "only events from this time on")
UNTIL = Instant("to", "only events before this time")
TYPES = Texts("type", "event types, repeated or separated by commas")
LAST_EVENT_ID = Text(
    "Last-Event-ID",
    "with `stream`: the `seq` of the last event that the reader has got",
)
FILTERS = (TYPES, AGENT, IDENTITY, WORKLOAD, SCOPE, POOL)
PARAMETERS = (SIZE, ORDER, SEQ_AFTER, SEQ_BEFORE, SINCE, UNTIL, *FILTERS, STREAM)


class Events:
    """What HTTP shows of the log."""

    def __init__(self, arbiter: Arbiter, followers: Followers) -> None:
        self._arbiter = arbiter
        self._followers = followers

    async def list(self, exchange: Exchange) -> Answer:
        """The log, by the page or as it grows.

        A bare array of events, newest first. With `stream=true` Server-Sent Events: `id` is the
        `seq`, `event` the type, `data` the event. A stream starts now, or after `after`; a reader
        that comes back with `Last-Event-ID` misses nothing and gets nothing twice.
        """
        query = Query(exchange)
        if STREAM.read(query) in ("true", "1"):
            return self._follow(exchange, query)
        newest_first = ORDER.read(query) == "desc"
        wanted = _filter(query, SEQ_AFTER.read(query) or 0, newest_first)
        query.finish()
        return json_reply(await self._arbiter.events(wanted))

    def _follow(self, exchange: Exchange, query: Query) -> Answer:
        after = self._start(exchange, query)
        wanted = _filter(query, after, newest_first=False, limit=None)
        if wanted.before is not None or wanted.until is not None or query.text(ORDER.name):
            query.wrong(STREAM.name, "a stream has no end: leave out before, to and order")
        query.finish()
        if exchange.scope["method"] == "HEAD":
            return Reply(b"", content_type=STREAM_TYPE)
        return EventStream(self._arbiter.stream(wanted), self._followers)

    def _start(self, exchange: Exchange, query: Query) -> int:
        """A reader that comes back says where it was; a new one starts where it says, or now."""
        resumed = exchange.headers.get(b"last-event-id", b"").strip()
        after = SEQ_AFTER.read(query)
        if resumed:
            if resumed.isdigit() and len(resumed) < 20:
                return int(resumed)
            query.wrong("Last-Event-ID", "is not the seq of an event")
        return self._arbiter.health().seq if after is None else after


def _filter(query: Query, after: int, newest_first: bool, limit: int | None = 50) -> EventFilter:
    size = SIZE.wanted(query)
    return EventFilter(
        after=after,
        before=SEQ_BEFORE.read(query),
        since=SINCE.read(query),
        until=UNTIL.read(query),
        types=TYPES.read(query),
        newest_first=newest_first,
        limit=None if limit is None else size,
        agent_id=AGENT.read(query),
        identity_id=IDENTITY.read(query),
        workload_id=WORKLOAD.read(query),
        scope_id=SCOPE.read(query),
        pool=POOL.read(query),
    )
