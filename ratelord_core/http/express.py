"""The express lane: plain questions, answered by the connection that read them.

A server spends more on a request's ceremony (a task, a cycle of messages, two writes) than the
daemon spends on deciding. ``POST /v1/intent`` as well-behaved clients send it needs none of that.
Whatever is not plain, or not right, is left to the door, which does it over from the start and
says what is wrong: the lane decides nothing that the door would have decided otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NoReturn

from ratelord_core.http.exchange import JSON, Exchange, Reply
from ratelord_core.http.hosts import HostGuard
from ratelord_core.http.intents import Intents, Passage
from ratelord_core.http.metrics import Tally
from ratelord_core.http.problems import problem_reply
from ratelord_core.http.request_id import CURRENT, RequestIds
from ratelord_core.http.security import Gate, permit_role

PATH: Final = b"/v1/intent"
"""What the lane answers, if it is POSTed."""


class Express:
    """Takes plain questions off a connection's hands."""

    def __init__(
        self, intents: Intents, guard: HostGuard, gate: Gate, ids: RequestIds, tally: Tally
    ) -> None:
        self.body_limit = intents.body_limit
        self._intents = intents
        self._guard = guard
        self._gate = gate
        self._ids = ids
        self._tally = tally

    def take(
        self,
        sent: Sequence[tuple[bytes, bytes]],
        body: bytes,
        *,
        by_socket: bool,
        certified: str | None = None,
    ) -> Passage | None:
        """Decide a question with those headers; None, with nothing done, if it is the door's."""
        headers = dict(sent)
        plain = headers.get(b"content-type") == JSON and b"idempotency-key" not in headers
        if not plain or len(headers) != len(sent) or b"origin" in headers:
            return None
        try:
            return self._decided(headers, body, by_socket=by_socket, certified=certified)
        except Exception:  # noqa: BLE001 (the door comes upon it again, and says it in full)
            return None

    def _decided(
        self,
        headers: dict[bytes, bytes],
        body: bytes,
        *,
        by_socket: bool,
        certified: str | None,
    ) -> Passage | None:
        self._guard.check(headers)
        request_id = self._ids.name(headers)
        token = headers.get(b"authorization")
        caller = self._gate.caller_of(token, request_id, by_socket=by_socket, certified=certified)
        if caller is None or caller.audience:
            return None
        permit_role(caller, "ask")
        CURRENT.set(request_id)
        passage = self._intents.begin(body, caller)
        if passage is not None:
            self._tally.requests += 1
            passage.lines = self._ids.trace_line(headers)
        return passage

    def failed(self, error: Exception, request_id: str) -> tuple[Reply, Exchange]:
        """The problem that ended a question on its way, and what it is a reply to."""
        scope = {"method": "POST", "path": PATH.decode(), "raw_path": PATH}
        exchange = Exchange(scope, _unread, {}, request_id)
        self._tally.refuse(error)
        return problem_reply(error, exchange), exchange


async def _unread() -> NoReturn:
    raise RuntimeError("a question on the express lane was read in full")
