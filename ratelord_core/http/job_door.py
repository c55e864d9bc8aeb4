"""A path under which long work is begun, followed and broken off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import parse_qs

import msgspec

from ratelord_core.doors import Receive, Scope, Send
from ratelord_core.http.problems import HttpRefusal
from ratelord_core.jobs import Desk, Job

_HEARTBEAT = 15.0
YAML = frozenset({"application/yaml", "application/x-yaml", "text/yaml", "text/plain"})
"""Media types of a body that is YAML."""
_JSON = (b"content-type", b"application/json")


class View(Protocol):
    """Shows a piece of work."""

    def __call__(self, job: Job, *, whole: bool) -> Any:
        """As it stands now; its result only if it is the ``whole`` that is wanted."""
        ...


class JobDoor:
    """Answers for everything below its path. ``task_of`` reads a body (``yaml``: as YAML)."""

    def __init__(
        self,
        path: str,
        desk: Desk,
        body_bytes: int,
        task_of: Callable[[bytes, bool], bytes],
        view: View,
    ) -> None:
        self._path = path
        self._desk = desk
        self._body_bytes = body_bytes
        self._task_of = task_of
        self._view = view

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        method, rest = scope["method"], scope["path"].removeprefix(self._path).strip("/")
        if not rest and method == "POST":
            await self._begin(scope, receive, send)
        elif not rest and method in ("GET", "HEAD"):
            items = [self._view(job, whole=False) for job in self._desk.all()]
            await answer(send, 200, {"items": items, "next": None})
        elif rest and "/" not in rest and method in ("GET", "HEAD"):
            await self._show(self._desk.find(rest), scope, receive, send)
        elif rest and "/" not in rest and method == "DELETE":
            self._desk.drop(rest)
            await answer(send, 204, None)
        else:
            raise self._misfit(method, rest)

    def close(self) -> None:
        """Break off what runs."""
        self._desk.close()

    async def finish(self) -> None:
        """Until no process is left."""
        await self._desk.finish()

    async def _begin(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = media_type(scope)
        body = await whole_body(receive, self._body_bytes)
        job = self._desk.take(self._task_of(body, kind in YAML))
        try:
            await job.read()
        finally:
            if job.findings:  # its sender knows what is wrong; nobody else asks for it
                self._desk.drop(job.job_id)
        where = (b"location", f"{self._path}/{job.job_id}".encode())
        await answer(send, 202, self._view(job, whole=False), where)

    async def _show(self, job: Job, scope: Scope, receive: Receive, send: Send) -> None:
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        accepts = dict(scope["headers"]).get(b"accept", b"")
        if query.get("stream") == ["true"] or b"text/event-stream" in accepts:
            await self._stream(job, receive, send)
        else:
            await answer(send, 200, self._view(job, whole=True))

    async def _stream(self, job: Job, receive: Receive, send: Send) -> None:
        """Progress as it comes, then the whole, as Server-Sent Events; ends when the reader
        leaves."""
        kind = (b"content-type", b"text/event-stream; charset=utf-8")
        headers = [kind, (b"x-accel-buffering", b"no")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        gone = asyncio.ensure_future(_hang_up(receive))
        try:
            while not gone.done():
                changed = asyncio.ensure_future(job.changed.wait())
                name = job.status if job.over else "progress"
                await _part(send, _frame(name, self._view(job, whole=job.over)))
                if job.over:
                    break
                while not (changed.done() or gone.done()):
                    both = (changed, gone)
                    await asyncio.wait(both, timeout=_HEARTBEAT, return_when="FIRST_COMPLETED")
                    if not (changed.done() or gone.done()):
                        await _part(send, b": still here\n\n")
                changed.cancel()
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()

    def _misfit(self, method: str, rest: str) -> HttpRefusal:
        if "/" in rest:
            return HttpRefusal(404, "not_found", f"nothing is there; {self._path}/ID is one")
        allow = b"GET, HEAD, DELETE" if rest else b"GET, HEAD, POST"
        message = f"{method} does not fit here; use {allow.decode()}"
        return HttpRefusal(405, "method_not_allowed", message, ((b"allow", allow),))


async def _part(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


def _frame(name: str, view: Any) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(view))


async def _hang_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def answer(send: Send, status: int, value: Any, *headers: tuple[bytes, bytes]) -> None:
    """Answer with JSON, or with nothing if ``value`` is None."""
    body = b"" if value is None else msgspec.json.encode(value)
    own = list(headers)
    if value is not None:
        own += [_JSON, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": own})
    await send({"type": "http.response.body", "body": body})


def media_type(scope: Scope) -> str:
    """The body's media type; a 415 unless it is JSON or YAML."""
    header: bytes = dict(scope["headers"]).get(b"content-type", b"")
    sent = header.decode("latin-1").lower()
    kind = sent.partition(";")[0].strip()
    if kind == "application/json" or kind in YAML:
        return kind
    said = "send application/json or application/yaml"
    raise HttpRefusal(415, "unsupported_media_type", f"Content-Type {kind[:80]!r}: {said}")


async def whole_body(receive: Receive, most: int) -> bytes:
    """The whole body; a 413 if it is larger."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HttpRefusal(400, "malformed_json", "the body ended before it was whole")
        body += message.get("body", b"")
        if len(body) > most:
            raise HttpRefusal(413, "body_too_large", f"the body may have {most} bytes here")
        if not message.get("more_body", False):
            return bytes(body)
