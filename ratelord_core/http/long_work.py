"""Long work that is begun, followed and broken off: what its nouns have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec

from ratelord_core.doors import Send
from ratelord_core.http.body import DOCUMENT_TYPES, media_type, read_body
from ratelord_core.http.exchange import Answer, Exchange, Reply, json_reply
from ratelord_core.http.operation import Operation
from ratelord_core.http.paging import Page
from ratelord_core.http.parameters import Choice
from ratelord_core.http.policy import DOCUMENT_MEDIA
from ratelord_core.http.query import Query
from ratelord_core.http.wire import check_bytes
from ratelord_core.jobs import Desk, Job
from ratelord_core.stream_seats import StreamSeats, party_of

_STREAM: Final = Choice(
    "stream",
    "send its progress as Server-Sent Events, and in the end the whole",
    options=("false", "true", "1", "0"),
)
_STREAM_MEDIA: Final = "text/event-stream"
_HEARTBEAT: Final = 15.0


class View(Protocol):
    """Shows a piece of work."""

    def __call__(self, job: Job, *, whole: bool) -> Any:
        """As it stands now; its result only if it is the ``whole`` that is wanted."""
        ...


class Noun(Protocol):
    """A kind of long work; its own docstrings become the reference."""

    async def begin(self, exchange: Exchange, /) -> Answer:
        """Take one up."""
        ...

    async def list(self, exchange: Exchange, /) -> Answer:
        """Those that are remembered."""
        ...

    async def show(self, exchange: Exchange, /) -> Answer:
        """One, or its progress."""
        ...

    async def drop(self, exchange: Exchange, /) -> Answer:
        """Break one off, or forget it."""
        ...


def operations_of(
    noun: type[Noun], path: str, label: str, view: Any, request: Any, example: dict[str, Any]
) -> tuple[Operation, ...]:
    """How a noun's work is begun, listed, followed and broken off, below its ``path``; ``label``
    names one piece of it there."""
    one = f"{path}/{{{label}}}"
    return (
        Operation(
            "POST",
            path,
            noun.begin,
            "administer",
            view,
            request,
            problems=(422, 429, 503),
            request_media=DOCUMENT_MEDIA,
            example=example,
            status=202,
        ),
        Operation("GET", path, noun.list, "administer", Page[view]),
        Operation(
            "GET",
            one,
            noun.show,
            "administer",
            view,
            parameters=(_STREAM,),
            problems=(429,),
            media=(_STREAM_MEDIA,),
        ),
        Operation("DELETE", one, noun.drop, "administer", status=204),
    )


class LongWork:
    """One kind of work, at its path. ``task_of`` reads a body (True: as YAML). A noun derives from
    it, and says in its own methods what they do."""

    def __init__(
        self,
        path: str,
        desk: Desk,
        body_bytes: int,
        task_of: Callable[[bytes, bool], bytes],
        view: View,
        seats: StreamSeats,
    ) -> None:
        self._path = path
        self._desk = desk
        self._body_bytes = body_bytes
        self._task_of = task_of
        self._view = view
        self._seats = seats

    def close(self) -> None:
        """Break off what runs."""
        self._desk.close()

    async def finish(self) -> None:
        """Until no process is left."""
        await self._desk.finish()

    async def _take(self, exchange: Exchange) -> Answer:
        """A 202 once the task has been read, or what is wrong with it."""
        kind = media_type(exchange, DOCUMENT_TYPES)
        body = await read_body(exchange, self._body_bytes, DOCUMENT_TYPES)
        check_bytes(body)
        job = self._desk.take(self._task_of(body, kind != "application/json"))
        try:
            await job.read()
        finally:
            if job.findings:  # its sender knows what is wrong; nobody else asks for it
                self._desk.drop(job.job_id)
        where = (b"location", f"{self._path}/{job.job_id}".encode())
        body = msgspec.json.encode(self._view(job, whole=False))
        return Reply(body, status=202, headers=(where,))

    async def _all(self, exchange: Exchange) -> Answer:
        Query(exchange).finish()
        items = [self._view(job, whole=False) for job in self._desk.all()]
        return json_reply({"items": items, "next": None})

    async def _look(self, exchange: Exchange, job_id: str) -> Answer:
        query = Query(exchange)
        accepts = _STREAM_MEDIA.encode() in exchange.headers.get(b"accept", b"")
        streamed = _STREAM.read(query) in ("true", "1") or accepts
        query.finish()
        job = self._desk.find(job_id)
        if not streamed:
            return json_reply(self._view(job, whole=True))
        if exchange.scope["method"] == "HEAD":
            return Reply(b"", content_type=_STREAM_MEDIA.encode())
        return _Progress(job, self._view, self._seats)

    async def _drop(self, _exchange: Exchange, job_id: str) -> Answer:
        self._desk.drop(job_id)
        return Reply(b"", status=204)


class _Progress:
    """Progress as it comes, then the whole, as Server-Sent Events; ends when the reader leaves."""

    def __init__(self, job: Job, view: View, seats: StreamSeats) -> None:
        self._job = job
        self._view = view
        self._seats = seats

    async def send(self, exchange: Exchange, send: Send) -> None:
        """Write head and body."""
        with self._seats.taken(party_of(exchange.caller, exchange.scope)):
            exchange.route = None  # it lasts as long as somebody listens
            kind = (b"content-type", b"text/event-stream; charset=utf-8")
            await send(exchange.head(200, kind, (b"x-accel-buffering", b"no")))
            gone = asyncio.ensure_future(_hang_up(exchange))
            try:
                await self._tell(gone, send)
            finally:
                gone.cancel()

    async def _tell(self, gone: asyncio.Future[None], send: Send) -> None:
        job = self._job
        while not gone.done():
            news = job.changed
            name = job.status if job.over else "progress"
            await _part(send, _frame(name, self._view(job, whole=job.over)))
            if job.over:
                break
            await _until(news, gone, send)
        await send({"type": "http.response.body", "body": b""})


async def _until(news: asyncio.Event, gone: asyncio.Future[None], send: Send) -> None:
    """Wait until there is news, or nobody to be told; a heartbeat now and then."""
    told = asyncio.ensure_future(news.wait())
    try:
        while not (told.done() or gone.done()):
            await asyncio.wait((told, gone), timeout=_HEARTBEAT, return_when="FIRST_COMPLETED")
            if not (told.done() or gone.done()):
                await _part(send, b": still here\n\n")
    finally:
        told.cancel()


async def _part(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


def _frame(name: str, view: Any) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(view))


async def _hang_up(exchange: Exchange) -> None:
    while (await exchange.receive())["type"] != "http.disconnect":
        pass
