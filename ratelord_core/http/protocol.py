"""The connection: uvicorn's protocol with bounds on how much and how slowly a stranger may send."""

from __future__ import annotations

import asyncio
import re
import sys
from math import inf
from typing import Any, Final, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ratelord_core.doors import WHOLE, Scope
from ratelord_core.http.exchange import CERTIFIED
from ratelord_core.http.limits import USUAL, Limits
from ratelord_core.http.spoken import problem_bytes
from ratelord_core.http.sse import ABORT
from ratelord_core.http.tls import certified_name
from ratelord_core.inbound.offers import without_offer

LINGER: Final = 1.0
"""Seconds in which what a refused stranger goes on sending is thrown away."""
_OK: Final = b"HTTP/1.1 200 OK\r\n"
_SLACK: Final = 1024 * 1024
_FRAMED: Final = 8
"""Bytes around each byte of a body, at most, beside ``_SLACK`` bytes altogether."""
_VERSIONS: Final = frozenset({"1.1", "1.0"})
_QUESTIONS: Final = frozenset({"/v1/intent", "/v1/intents/batch"})


class _RefusedError(Exception):
    """Stops the parser."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection. What is no HTTP, too much, or too slow gets a problem and the end."""

    def __init__(self, *args: Any, limits: Limits = USUAL, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._limits = limits
        self._in_head = True
        self._head = 0
        self._chunk = 0
        self._refusal: tuple[int, str, str] | None = None
        self._ended = False
        self._receiving_since: float | None = None
        self._resting_since: float | None = None
        self._stuck_since: float | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._certified: str | None = None
        self._named: list[tuple[bytes, bytes]] | None = None
        self._ok = _OK
        self._offers: int | None = None
        """Where the head ended that offered another protocol, in the bytes that came last."""
        self._weighed: float | None = None
        self._beside = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", transport))
        if len(self.connections) > self._limits.connections:
            open_ = len(self.connections) - 1
            self._end(503, "too_many_connections", f"{open_} connections are open; come back later")
            return
        certificate = transport.get_extra_info("peercert")
        if certificate:
            self._certified = certified_name(certificate)
        self._receiving_since = self.loop.time()
        self._watch = self.loop.call_later(self._limits.request_timeout, self._check_pace)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override] # uvicorn's never has it kept open
        """Who has nothing more to say may still listen for the answer to a whole question. Another
        request is given up, as its door may want to know; TLS knows no half of a connection."""
        cycle, whole = self.cycle, self._receiving_since is None
        answered = cycle is None or cycle.response_started or cycle.response_complete
        halved = self.scheme == "http" and not self._ended
        if answered or not (whole and halved and self.is_question(cycle)):
            return False
        cycle.keep_alive = False  # the newest: what was asked before it is answered as well
        return True

    def is_question(self, cycle: Any) -> bool:
        """Whether a request asks for decisions, which stand whether they are heard or not."""
        return cycle.scope["path"] in _QUESTIONS

    def data_received(self, data: bytes) -> None:
        if self._ended:
            return
        continued, since = self._in_head, self._receiving_since
        self._chunk = len(data)
        super().data_received(data)
        if self._offers is not None:
            self._decline(data[self._offers :])
            return
        if since is not None and since is self._receiving_since and not continued:
            self._weigh(since, len(data))
        # A head that begins in a chunk is as small as the chunk; one that goes on is counted.
        if self._in_head and continued:
            self._head += len(data)
            if self._head > self._limits.head_bytes and not self._ended:
                self._refusal = self._large_head()
                self.send_400_response("")

    def _weigh(self, since: float, size: int) -> None:
        """Bound what comes with a body and is none: the sizes and names of chunks, trailers."""
        if self._weighed is not since:  # the first of this request
            self._weighed, self._beside = since, 0
        self._beside += size
        if self._beside > self._limits.head_bytes + _SLACK and not self._ended:
            self._refusal = _too_much("the chunks of the body have more about them than in them")
            self.send_400_response("")

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers are no headers: a proxy in front has not seen them as such (RFC 9110, 6.5.1).
        if self._in_head:
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        self._beside -= _FRAMED * len(body)
        super().on_body(body)

    def _unsupported_upgrade_warning(self) -> None:
        """Called by uvicorn while it handles what the parser raised, which says where the head of
        a request ended that offers another protocol."""
        raised = sys.exception()
        self._offers = 0 if raised is None else raised.args[0]

    def _decline(self, rest: bytes) -> None:
        """Read a request that offers another protocol as if it did not: nobody has to take an offer
        (RFC 9110, 7.8), and the parser has left its body aside. Some clients offer HTTP/2 with the
        first request of every connection."""
        self._offers = None
        head = without_offer(self.parser, self.url, self.headers)
        if head is None:
            self.send_400_response("")
            return
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(head + rest)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head = True, 0
        self._receiving_since = self.loop.time()
        self._resting_since = None
        # Not ASGI's own keys: streams use one to drop a reader with all that it buffers.
        scope = cast("dict[str, Any]", self.scope)
        scope[ABORT] = self.transport.abort
        scope[WHOLE] = self._send_whole
        if self._certified is not None:
            scope[CERTIFIED] = self._certified

    def on_headers_complete(self) -> None:
        self.end_head()
        if self.parser.should_upgrade():
            return
        if not self.url.startswith(b"/"):
            self._take_authority()
        if len(self.pipeline) >= self._limits.pipelined:
            self._hang_up()
            raise _RefusedError
        super().on_headers_complete()

    def end_head(self) -> None:
        """Bound the head that has just been read."""
        if self._head + self._chunk > self._limits.head_bytes:
            self._measure_head()
        if len(self.headers) > self._limits.headers:
            most = self._limits.headers
            self._refusal = _too_much(f"{len(self.headers)} headers; it takes at most {most}")
            raise _RefusedError
        version = self.parser.get_http_version()
        if version not in _VERSIONS:
            if version > "1.1":
                said = f"HTTP/{version} is not spoken in this form; send HTTP/1.1"
                self._refusal = 505, "http_version", said
            raise _RefusedError
        self._in_head = False

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._receiving_since = None
        super().on_message_complete()

    def rest(self) -> None:
        """The connection has nothing to do: what a good reply that uvicorn did not send leaves
        behind. The pace watch ends a rest that is too long, without a timer for each reply."""
        if self.pipeline:
            self.on_response_complete()
            return
        self.server_state.total_requests += 1
        self._resting_since = self.loop.time()

    def pause_writing(self) -> None:
        self._stuck_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._stuck_since = None
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        self._hang_up()

    def status_line(self) -> bytes:
        """Status line of a 200 and what the server says on every reply, as of this second."""
        headers = self.server_state.default_headers
        if headers is not self._named:
            self._named = headers
            self._ok = b"".join((_OK, *(b"%s: %s\r\n" % header for header in headers)))
        return self._ok

    def send_400_response(self, msg: str) -> None:
        if self._ended:
            return
        self._end(*(self._refusal or (400, "malformed_http", "what arrived is not HTTP/1.1")))

    def _send_whole(self, scope: Scope, lines: bytes, body: bytes) -> bool:
        """Write a 200 at once, for which uvicorn would check each header and write twice.

        False, with nothing done, where it takes uvicorn's care: another request is read already,
        the connection is to end or is slow to take more, or the body is to be left out.
        """
        cycle = self.cycle
        if cycle.scope is not scope or cycle.disconnected or cycle.response_started:
            return False
        if not cycle.keep_alive or self.flow.write_paused or scope["method"] == "HEAD":
            return False
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        self.transport.write(b"".join((self.status_line(), lines, b"\r\n", body)))
        cycle.message_event.set()
        cycle.on_response()
        return True

    def _measure_head(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self._limits.head_bytes:
            self._refusal = self._large_head()
            raise _RefusedError

    def _large_head(self) -> tuple[int, str, str]:
        return _too_much(f"the headers are larger than {self._limits.head_bytes} bytes")

    def _take_authority(self) -> None:
        """A target that names its own authority overrules Host (RFC 9112, 3.2.2)."""
        _, absolute, rest = self.url.partition(b"://")
        if absolute:
            authority = re.split(rb"[/?#]", rest, maxsplit=1)[0]
            kept = [header for header in self.headers if header[0] != b"host"]
            self.headers[:] = [*kept, (b"host", authority)]

    def _check_pace(self) -> None:
        since, now, patience = self._receiving_since, self.loop.time(), self._limits.request_timeout
        if since is not None and now - since >= patience:
            self._end(408, "too_slow", f"no whole request within {patience:g} seconds")
            return
        stuck, rest = self._stuck_since, self._resting_since
        ends = [
            inf if stuck is None else stuck + self._limits.reader_timeout,
            inf if rest is None else rest + self._limits.idle_timeout,
        ]
        if now >= min(ends):
            self._hang_up()
            return
        due = min(*ends, (now if since is None else since) + patience)
        self._watch = self.loop.call_at(due, self._check_pace)

    def _hang_up(self) -> None:
        """End the connection without a word: with all that it buffers, if nobody takes that."""
        self._receiving_since, self._ended = None, True
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()

    def _end(self, status: int, code: str, detail: str) -> None:
        """Say why, if nothing was said yet, and hang up: gently, so that it can be read."""
        self._receiving_since, self._ended = None, True
        if self.cycle is None or not self.cycle.response_started or self.cycle.response_complete:
            self.transport.write(problem_bytes(status, code, detail))
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self.loop.call_later(LINGER, self.transport.close)
        else:
            self.transport.close()


def _too_much(what: str) -> tuple[int, str, str]:
    return 431, "head_too_large", what
