"""One connection from a stranger: how slow and long-winded it may be, and how many there are."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, cast

import httptools
import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ratelord_core.inbound.offers import without_offer

LINGER: Final = 1.0
"""Seconds in which what a refused stranger goes on sending is thrown away."""
_HEARD: Final = 64
"""Strangers too many at once who are told so; whoever is beyond them is hung up on."""

Refusal = Callable[[int, str], bytes]
"""The body (JSON) of a refusal: of a status, and why."""


class Bounds(msgspec.Struct, frozen=True):
    """Bounds of every connection, and of their number.

    A head of at most ``head_bytes`` must have come within ``patience`` (seconds). So must a whole
    request, if ``request_bytes`` bounds it. A body without a bound may take as long as it likes,
    unless nothing of it comes for that long, though somebody reads.
    """

    connections: int = 512
    patience: float = 30.0
    head_bytes: int = 64 * 1024
    request_bytes: int | None = None


class _RefusedError(Exception):
    """Stops the parser."""


class BoundedConnection(HttpToolsProtocol):
    """uvicorn's connection, which waits for ever, and for a head of any length, with bounds.
    Without a ``refusal`` strangers are hung up on and told nothing."""

    def __init__(
        self, *args: Any, bounds: Bounds, refusal: Refusal | None = None, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self._bounds = bounds
        self._refusal = refusal
        self._ended = False
        self._in_head = True
        """Whether nothing of a body is expected: between two requests as well."""
        self._came = 0
        """Bytes since the last request, or since its body went on if that has no bound."""
        self._head = 0
        self._large = False
        self._offers: int | None = None
        """Where the head ended that offered another protocol, in the bytes that came last."""
        self._since: float | None = None
        self._watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it, and begin to wait."""
        super().connection_made(cast("asyncio.Transport", transport))  # uvloop's is no subclass
        most = self._bounds.connections
        if len(self.connections) > most + _HEARD:
            self._ended = True
            self.transport.abort()
        elif len(self.connections) > most:
            self._end(503, f"{most} connections are open; come back later")
        else:
            self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._rest()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, if there is room for it."""
        if self._ended:
            return
        self._expect()  # be it an empty line, which begins no request, and ends a rest
        self._came += len(data)
        super().data_received(data)
        if self._offers is not None:
            self._decline(data[self._offers :])
            return
        whole = self._bounds.request_bytes
        room = self._bounds.head_bytes if self._in_head or whole is None else whole
        if self._came > room and not self._ended:
            self._end(*self._too_large())

    def on_message_begin(self) -> None:
        """The next request, which may have come with the end of the last."""
        super().on_message_begin()
        self._in_head, self._head = True, 0
        self._expect()

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        self._weigh(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header. Trailers are none (RFC 9110, 6.5.1), and are left out."""
        if self._in_head:
            self._weigh(len(name) + len(value) + 4)
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """A body may follow."""
        if self.parser.should_upgrade():
            return
        super().on_headers_complete()
        self._in_head = False
        self._flows()

    def on_body(self, body: bytes) -> None:
        """Some of it."""
        super().on_body(body)
        self._flows()

    def on_message_complete(self) -> None:
        """It is whole: what takes time now is the answer."""
        if self.parser.should_upgrade():
            return
        super().on_message_complete()
        self._in_head = True
        self._rest()

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser did not take, or was kept from taking."""
        if not self._ended:
            what = self._too_large() if self._large else (400, "what arrived is not HTTP/1.1")
            self._end(*what)

    def _unsupported_upgrade_warning(self) -> None:
        """Called by uvicorn while it handles what the parser raised, which says where the head of
        a request ended that offers another protocol."""
        raised = sys.exception()
        self._offers = 0 if raised is None else raised.args[0]

    def _decline(self, rest: bytes) -> None:
        """Read it once more, as if it offered nothing: the parser has left its body aside."""
        self._offers, self._came = None, 0
        head = without_offer(self.parser, self.url, self.headers)
        if head is None:
            self.send_400_response("")
            return
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(head + rest)

    def _too_large(self) -> tuple[int, str]:
        if self._in_head:
            return 431, f"the headers are larger than {self._bounds.head_bytes} bytes"
        return 413, "the request is too large"

    def _weigh(self, size: int) -> None:
        self._head += size
        if self._head > self._bounds.head_bytes:
            self._large = True
            raise _RefusedError

    def _flows(self) -> None:
        if self._bounds.request_bytes is None:
            self._came = 0
            self._since = self.loop.time()

    def _expect(self) -> None:
        if self._since is None:
            self._since = self.loop.time()
            self._watch = self.loop.call_later(self._bounds.patience, self._look)

    def _rest(self) -> None:
        self._came, self._since = 0, None
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _look(self) -> None:
        now, patience = self.loop.time(), self._bounds.patience
        if self._since is None or self._held():
            self._since = now
        left = self._since + patience - now
        if left > 0:
            self._watch = self.loop.call_later(left, self._look)
        else:
            self._end(408, f"nothing came for {patience:g} seconds, and the request is not whole")

    def _held(self) -> bool:
        """Whether it is us for whom the stranger waits."""
        if self.cycle is None:
            return False
        if self._in_head:  # of another request, while the last is answered
            return not self.cycle.response_complete
        asked = not (self.flow.read_paused or self.cycle.waiting_for_100_continue)
        return self._bounds.request_bytes is None and not asked

    def _end(self, status: int, why: str) -> None:
        """Say why, where that would be taken for the answer to what is refused, and hang up:
        gently, so that it can be read."""
        heard = self._can_be_told() and (status != 408 or self._came or not self._in_head)
        self._ended = True
        self._rest()
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # whoever works for it hears of it at once
            self.cycle.message_event.set()
        if self._refusal is None or not heard:
            self.transport.abort()
            return
        self.transport.write(_response(status, self._refusal(status, why)))
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self.loop.call_later(LINGER, self.transport.abort)
        else:
            self.transport.close()

    def _can_be_told(self) -> bool:
        cycle = self.cycle
        if cycle is None or not self._in_head:
            return cycle is None or not (cycle.response_started or self.pipeline)
        return cycle.response_complete


def _response(status: int, body: bytes) -> bytes:
    line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
    about = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return f"{line}{about}connection: close\r\n\r\n".encode() + body
