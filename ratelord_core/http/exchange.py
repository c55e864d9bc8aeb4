"""One request and its reply, with no more ceremony than the wire needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

import msgspec

from ratelord_core.correlation import Correlation
from ratelord_core.doors import WHOLE, Message, Receive, Scope, Send
from ratelord_core.model.caller import Caller

JSON: Final = b"application/json"

_SECURITY: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
"""On every reply: nothing here is to be embedded, sniffed, referred to or kept."""
_SECURITY_LINES: Final = b"".join(b"%s: %s\r\n" % header for header in _SECURITY)

CERTIFIED: Final = "ratelord.certified"
"""Where a connection leaves the name in its client's certificate; none of ASGI's own keys."""
_BODILESS: Final = frozenset({204, 304})


class Exchange:
    """A request that got past the guards. ``known`` is False for a caller without a needed token;
    ``params`` come from the path, ``declared`` are the names of the query's parameters (None: any),
    ``extra`` headers and the ``warning`` go out with the reply, ``unread`` tells whether a body may
    still be on its way. ``route`` is the path's template once it is found (None: not to be timed),
    ``status`` that of the reply."""

    __slots__ = (
        "caller",
        "declared",
        "extra",
        "headers",
        "known",
        "named",
        "params",
        "receive",
        "request_id",
        "route",
        "scope",
        "status",
        "unread",
        "warning",
    )

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        headers: dict[bytes, bytes],
        request_id: str,
        named: Correlation | None = None,
    ) -> None:
        self.scope = scope
        self.receive = receive
        self.headers = headers
        self.request_id = request_id
        self.named = named or Correlation(request_id)
        self.route: str | None = ""
        self.status = 200
        self.caller = Caller(door="http", request_id=request_id)
        self.known = False
        self.params: Mapping[str, str] = {}
        self.declared: frozenset[str] | None = None
        self.unread = True
        self.extra: tuple[tuple[bytes, bytes], ...] = ()
        self.warning = ""

    @property
    def method(self) -> str:
        """GET, POST …; a HEAD is answered as a GET whose body the server leaves out."""
        method: str = self.scope["method"]
        return "GET" if method == "HEAD" else method

    def head(self, status: int, *extra: tuple[bytes, bytes]) -> Message:
        """The start of a reply: its own headers, the request's id, what every reply carries."""
        self.status = status
        extra = (*extra, *self.extra)
        own = {name for name, _ in extra}
        kept = [header for header in _SECURITY if header[0] not in own]
        headers = [*extra, (b"x-request-id", self.request_id.encode("ascii")), *kept]
        if self.warning:
            headers.append((b"x-ratelord-warning", self.warning.encode("ascii", "replace")))
        return {"type": "http.response.start", "status": status, "headers": headers}


class Answer(Protocol):
    """Something that can be sent back."""

    async def send(self, exchange: Exchange, send: Send) -> None:
        """Write head and body."""
        ...


class Reply(msgspec.Struct, frozen=True):
    """A whole reply in memory."""

    body: bytes
    status: int = 200
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()
    lines: bytes = b""
    """Further header lines, each with its end, for replies that are written in one piece."""

    async def send(self, exchange: Exchange, send: Send) -> None:
        """Write head and body: in one piece if the reply is plain and the connection can."""
        if self.status == 200 and not (self.headers or exchange.warning or exchange.extra):
            whole = exchange.scope.get(WHOLE)
            if whole is not None and whole(exchange.scope, self._lines(exchange), self.body):
                return
        await send(self.head(exchange))
        await send({"type": "http.response.body", "body": self.body})

    def head(self, exchange: Exchange) -> Message:
        """Status and headers."""
        if self.status in _BODILESS:
            return exchange.head(self.status, *self.headers)
        more = [line.split(b": ", 1) for line in self.lines.split(b"\r\n") if line]
        told = [(name, value) for name, value in more]
        length = (b"content-length", b"%d" % len(self.body))
        kind = (b"content-type", self.content_type)
        return exchange.head(self.status, kind, length, *self.headers, *told)

    def _lines(self, exchange: Exchange) -> bytes:
        lines = plain_lines(self.content_type, len(self.body), exchange.request_id)
        return lines + self.lines


def plain_lines(content_type: bytes, length: int, request_id: str) -> bytes:
    """The header lines of a good reply, in one piece."""
    # Nothing a stranger could bend: a request's id was held to a pattern when it was read.
    return b"content-type: %s\r\ncontent-length: %d\r\nx-request-id: %s\r\n%s" % (
        content_type,
        length,
        request_id.encode("ascii"),
        _SECURITY_LINES,
    )


_encode = msgspec.json.Encoder().encode


def json_reply(value: object, status: int = 200) -> Reply:
    """Any record as JSON."""
    return Reply(_encode(value), status)
