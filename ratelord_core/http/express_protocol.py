"""The connection that may use the express lane, and keeps its place in uvicorn's order."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, Final, cast

from ratelord_core.http.exchange import JSON, plain_lines
from ratelord_core.http.express import Express, Passage
from ratelord_core.http.head import Head
from ratelord_core.http.protocol import BoundedProtocol
from ratelord_core.http.spoken import head_bytes


class ExpressProtocol(BoundedProtocol):
    """One connection. A plain question is held back until it is whole and then taken express;
    what the lane does not take goes on as if it had never been held."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._express: Express | None = getattr(self.app, "express", None)
        self._paths = frozenset[bytes]() if self._express is None else self._express.paths
        self._held: list[bytes] | None = None
        self._held_size = 0
        self._by_socket = False
        self._between = True
        """Whether nothing of a next request has been read."""
        self._begun = 0
        """Requests that began in the last chunk."""
        self._taken: Head | None = None
        """The last that went express in that chunk."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._by_socket = self.server is not None and self.server[1] is None

    def data_received(self, data: bytes) -> None:
        express = self._express
        if express is None or self._ended or not self._between:
            super().data_received(data)
            return
        start = data.find(b"\r\n\r\n") + 4
        head = express.heads.find(data[:start])
        same = head is not None and head.length == len(data) - start and self._is_free()
        # The parser has no part in this: it would read what it has read before.
        if same and self._goes_express(cast("Head", head), data[start:]):
            self._receiving_since = self._resting_since = None
            self._unset_keepalive_if_required()
            return
        self._begun, self._taken = 0, None
        super().data_received(data)
        if self._taken is not None and self._begun == 1 and self._between:
            express.heads.remember(data, self._taken)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._between = False
        self._begun += 1

    def on_headers_complete(self) -> None:
        if self.url in self._paths and self._is_plain():
            self.end_head()
            self._held, self._held_size = [], 0
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._held is None:
            super().on_body(body)
            return
        self._held.append(body)
        self._held_size += len(body)
        if self._express is None or self._held_size > self._express.body_limit:
            self._let_go()

    def on_message_complete(self) -> None:
        self._between = True
        if self._held is not None:
            if self._is_taken(b"".join(self._held)):
                self._held = self._receiving_since = None
                return
            self._let_go()
        super().on_message_complete()

    def is_question(self, cycle: Any) -> bool:
        return cycle.is_question if isinstance(cycle, _Ticket) else super().is_question(cycle)

    def _is_plain(self) -> bool:
        """Whether this request may be answered out of uvicorn's hands: nothing is before it, and
        nothing out of the ordinary is asked of the connection."""
        return (
            self._express is not None
            and self.parser.get_method() == b"POST"
            and not self.expect_100_continue
            and not self.parser.should_upgrade()
            and self.parser.should_keep_alive()
            and self._is_free()
        )

    def _is_free(self) -> bool:
        """Whether a request could be answered at once: all before it are, and were taken."""
        return (self.cycle is None or self.cycle.response_complete) and not self.flow.write_paused

    def _is_taken(self, body: bytes) -> bool:
        """Whether the request that was just read goes express."""
        head = None if self._express is None else self._express.read(self.url, self.headers)
        if head is None or not self._goes_express(head, body):
            return False
        self._taken = head
        return True

    def _let_go(self) -> None:
        held, self._held = self._held or [], None
        super().on_headers_complete()
        for part in held:
            super().on_body(part)

    def _goes_express(self, head: Head, body: bytes) -> bool:
        express = self._express
        if express is None:
            return False
        passage = express.take(head, body, by_socket=self._by_socket, certified=self._certified)
        if passage is None:
            return False
        ticket = _Ticket(is_question=head.door is None)
        self.cycle = cast("Any", ticket)
        passage.begun.pending.add_done_callback(partial(self._tell, express, passage, ticket))
        return True

    def _tell(self, express: Express, passage: Passage, ticket: _Ticket, _done: object) -> None:
        """Write the answer, unless there is nobody left to hear it."""
        ticket.response_complete = True
        if self._ended or self.transport.is_closing():
            passage.begun.unheard()
            return
        status, head, body = self._reply(express, passage)
        if ticket.keep_alive:
            self.transport.write(b"".join((head, b"\r\n", body)))
            self.rest()
        else:
            self.transport.write(b"".join((head, b"connection: close\r\n\r\n", body)))
            self.transport.close()
        express.finished(passage, status)

    def _reply(self, express: Express, passage: Passage) -> tuple[int, bytes, bytes]:
        try:
            more, body = passage.begun.reply()
        except Exception as error:  # noqa: BLE001 (whatever befell it, the asker is told)
            reply, exchange = express.failed(error, passage)
            return reply.status, head_bytes(reply, exchange), reply.body
        lines = plain_lines(JSON, len(body), passage.named.request_id)
        return 200, b"".join((self.status_line(), lines, more, passage.trace)), body


class _Silence:
    """Where uvicorn would wake a task that waits for more of a request: nobody waits."""

    def set(self) -> None:
        """Wake nobody."""


class _Ticket:
    """Stands where uvicorn looks for a request's cycle, while the request goes express."""

    __slots__ = ("disconnected", "is_question", "keep_alive", "response_complete")
    message_event: Final = _Silence()
    response_started: Final = False
    scope: Final = None

    def __init__(self, *, is_question: bool) -> None:
        self.is_question = is_question
        self.disconnected = False
        self.keep_alive = True
        self.response_complete = False
