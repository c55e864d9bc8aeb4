"""What the enforcing servers have in common: counting, refusing, outages, latencies, streams."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import anyio

from ratelord_core.testing.enforcing.meter import Meter

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

MeterFactory = Callable[[], Mapping[str, Meter]]


class Asked(NamedTuple):
    """A request that the server got."""

    path: str
    headers: Mapping[str, str]
    body: bytes


class Work(NamedTuple):
    """What a call is: its model, its tokens in and out, whether it is streamed, and the name of
    the tool that it is to call ("": it talks)."""

    model: str
    tokens_in: int
    tokens_out: int
    stream: bool
    tool: str = ""
    counts: bool = False
    """Whether the stream is to say its usage."""


class EnforcingApi:
    """An ASGI application. ``meters`` makes the limits of one model; what does not fit is refused
    and counted in ``refused``. ``down`` answers 503 to everything; ``latency`` (seconds) comes
    before an answer, ``pause`` between two pieces of a stream."""

    def __init__(self, meters: MeterFactory) -> None:
        self._make = meters
        self._meters: dict[str, Mapping[str, Meter]] = {}
        self.accepted = 0
        self.refused = 0
        self.refuse_next = 0
        """So many calls are refused, whatever is left."""
        self.down = False
        self.latency = 0.0
        self.pause = 0.0
        self.keys: frozenset[str] | None = None
        self.asked: list[Asked] = []
        self.abandoned = 0
        """Streams that the other side gave up."""

    def of(self, model: str) -> Mapping[str, Meter]:
        """The meters of a model."""
        if model not in self._meters:
            self._meters[model] = self._make()
        return self._meters[model]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        from starlette.requests import Request  # noqa: PLC0415 - for tests that start a server

        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        body = await request.body()
        self.asked.append(Asked(request.url.path, dict(request.headers), body))
        await anyio.sleep(self.latency)
        response = self._answer(request, body)
        await response(scope, receive, send)

    def _answer(self, request: Request, body: bytes) -> Response:
        if self.down:
            return self.error(503, "overloaded", {})
        if self.keys is not None and self.key(request) not in self.keys:
            return self.error(401, "unauthorized", {})
        if request.method == "GET":
            return self.respond(200, self.listing(), {})
        try:
            content = json.loads(body)
        except ValueError:
            return self.error(400, "malformed", {})
        return self._work(request, self.work(request, content))

    def _work(self, request: Request, work: Work) -> Response:
        meters, units = self.of(work.model), self.units(work)
        short = {name: meters[name].until(n) for name, n in units.items() if name in meters}
        short = {name: wait for name, wait in short.items() if wait > 0}
        if short or self.refuse_next:
            self.refuse_next -= bool(self.refuse_next)
            short = short or {"requests": 0.0}
            self.refused += 1
            return self.refuse(work.model, short)
        for name, count in units.items():
            if name in meters:
                meters[name].take(count)
        self.accepted += 1
        told = self.limits(work.model)
        if work.stream:
            return self._streamed(self.pieces(request, work), told)
        return self.respond(200, self.whole(request, work), told)

    def _streamed(self, pieces: Iterable[bytes], told: Mapping[str, str]) -> Response:
        from starlette.responses import StreamingResponse  # noqa: PLC0415 - as above

        async def flow() -> AsyncIterator[bytes]:
            ended = False
            try:
                for piece in pieces:
                    yield piece
                    await anyio.sleep(self.pause)
                ended = True
            finally:
                self.abandoned += not ended

        return StreamingResponse(flow(), headers=dict(told), media_type="text/event-stream")

    def respond(self, status: int, content: object, told: Mapping[str, str]) -> Response:
        """JSON with these headers."""
        from starlette.responses import JSONResponse  # noqa: PLC0415 - as above

        return JSONResponse(content, status, headers=dict(told))

    # What each provider says in its own way

    def key(self, request: Request) -> str:
        """The credential of a request."""
        return request.headers.get("authorization", "").removeprefix("Bearer ")

    def listing(self) -> object:
        """The models."""
        raise LookupError("an enforcing server needs a listing")

    def work(self, request: Request, content: Any) -> Work:
        """What a request asks for."""
        raise LookupError("an enforcing server needs to know its work")

    def units(self, work: Work) -> Mapping[str, int]:
        """What it counts, by meter."""
        raise LookupError("an enforcing server needs units")

    def limits(self, model: str) -> Mapping[str, str]:
        """The headers that tell a model's limits."""
        raise LookupError("an enforcing server needs to tell its limits")

    def refuse(self, model: str, short: Mapping[str, float]) -> Response:
        """The 429: ``short`` are the seconds until each meter has enough."""
        raise LookupError("an enforcing server needs a refusal")

    def error(self, status: int, code: str, told: Mapping[str, str]) -> Response:
        """Any other failure."""
        raise LookupError("an enforcing server needs an error")

    def whole(self, request: Request, work: Work) -> object:
        """The answer in one piece."""
        raise LookupError("an enforcing server needs an answer")

    def pieces(self, request: Request, work: Work) -> Iterable[bytes]:
        """The answer as a stream of server-sent events."""
        raise LookupError("an enforcing server needs a stream")


def event(content: object, name: str = "") -> bytes:
    """One server-sent event."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(content)}\n\n".encode()


def text_of(content: Any) -> str:
    """Every text in a message, a list of them, or parts of one."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return " ".join(text_of(part) for part in content)
    if isinstance(content, dict):
        return " ".join(
            text_of(content[key]) for key in ("content", "text", "parts") if key in content
        )
    return ""


def tokens_of(content: Any) -> int:
    """The tokens of a prompt, as this server counts them: a word is one."""
    return max(1, len(text_of(content).split()))


def whole_seconds(wait: float) -> str:
    """Rounded up, and at least one."""
    return str(max(1, math.ceil(wait)))
