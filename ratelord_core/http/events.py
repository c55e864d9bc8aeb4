"""The log, by the page or as it grows."""

from __future__ import annotations

from ratelord_core.arbiter import Arbiter, EventFilter
from ratelord_core.http.exchange import Answer, Exchange, Reply, json_reply
from ratelord_core.http.query import Query
from ratelord_core.http.sse import STREAM_TYPE, EventStream, Followers
from ratelord_core.model.ids import is_id

_TRUE = ("false", "true", "1", "0")
MOST = 1000


class Events:
    """What HTTP shows of the log."""

    def __init__(self, arbiter: Arbiter, followers: Followers) -> None:
        self._arbiter = arbiter
        self._followers = followers

    async def list(self, exchange: Exchange) -> Answer:
        """``GET /v1/events``: a bare array, or with ``stream=true`` Server-Sent Events."""
        query = Query(exchange)
        if query.choice("stream", _TRUE) in ("true", "1"):
            return self._follow(exchange, query)
        newest_first = query.choice("order", ("desc", "asc")) == "desc"
        wanted = _filter(query, query.number("after", 0), newest_first)
        query.finish()
        return json_reply(await self._arbiter.events(wanted))

    def _follow(self, exchange: Exchange, query: Query) -> Answer:
        after = self._start(exchange, query)
        wanted = _filter(query, after, newest_first=False, limit=None)
        if wanted.before is not None or wanted.until is not None or query.text("order"):
            query.wrong("stream", "a stream has no end: leave out before, to and order")
        query.finish()
        if exchange.scope["method"] == "HEAD":
            return Reply(b"", content_type=STREAM_TYPE)
        return EventStream(self._arbiter.stream(wanted), self._followers)

    def _start(self, exchange: Exchange, query: Query) -> int:
        """A reader that comes back says where it was; a new one starts where it says, or now."""
        resumed = exchange.headers.get(b"last-event-id", b"").strip()
        after = query.optional_number("after")
        if resumed:
            if resumed.isdigit() and len(resumed) < 20:
                return int(resumed)
            query.wrong("Last-Event-ID", "is not the seq of an event")
        return self._arbiter.health().seq if after is None else after


def _filter(query: Query, after: int, newest_first: bool, limit: int | None = 50) -> EventFilter:
    size = query.number("limit", 50, 1, MOST)
    return EventFilter(
        after=after,
        before=query.optional_number("before"),
        since=query.instant("from"),
        until=query.instant("to"),
        types=query.texts("type"),
        newest_first=newest_first,
        limit=None if limit is None else size,
        agent_id=_name(query, "agent_id"),
        identity_id=_name(query, "identity_id"),
        workload_id=_name(query, "workload_id"),
        scope_id=_name(query, "scope_id"),
        pool=_name(query, "pool"),
    )


def _name(query: Query, name: str) -> str | None:
    text = query.text(name)
    if text is not None and not is_id(text):
        query.wrong(name, "is not an id")
        return None
    return text
