"""The express lane: plain questions, answered by the connection that read them.

A server spends more on a request's ceremony (a task, a cycle of messages, two writes) than the
daemon spends on deciding. ``POST /v1/intent`` as well-behaved clients send it needs none of that,
nor do the hot calls of a plugin's door. Whatever is not plain, or not right, is left to the door,
which does it over from the start and says what is wrong: the lane decides nothing that the door
would have decided otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NoReturn

import msgspec

from ratelord_core.correlation import CURRENT, Correlation
from ratelord_core.doors import Begun, PromptDoor
from ratelord_core.http.exchange import JSON, Exchange, Reply
from ratelord_core.http.hosts import HostGuard
from ratelord_core.http.intents import Intents
from ratelord_core.http.metrics import Tally
from ratelord_core.http.problems import problem_reply
from ratelord_core.http.request_id import RequestIds
from ratelord_core.http.security import Gate, permit_role
from ratelord_core.http.timings import Timings
from ratelord_core.model.caller import Caller
from ratelord_core.model.instant import Micros

_INTENT: Final = b"/v1/intent"


class Passage(msgspec.Struct, frozen=True):
    """A request on the lane: what was begun and when, its names, what its tracer sent, and the line
    that answers that."""

    begun: Begun
    since: Micros
    named: Correlation
    path: bytes
    traceparent: bytes
    trace: bytes


class Express:
    """Takes plain requests off a connection's hands: questions, and what prompt doors take."""

    def __init__(
        self,
        intents: Intents,
        doors: Mapping[str, PromptDoor],
        guard: HostGuard,
        gate: Gate,
        ids: RequestIds,
        tally: Tally,
        timings: Timings,
    ) -> None:
        self.body_limit = intents.body_limit
        self._intents = intents
        self._doors = {path.encode(): door for path, door in doors.items()}
        self.paths = frozenset((_INTENT, *self._doors))
        """What may be answered here, if it is POSTed."""
        self._guard = guard
        self._gate = gate
        self._ids = ids
        self._tally = tally
        self._timings = timings

    def take(
        self,
        path: bytes,
        sent: Sequence[tuple[bytes, bytes]],
        body: bytes,
        *,
        by_socket: bool,
        certified: str | None = None,
    ) -> Passage | None:
        """Begin to answer a request with those headers; None, with nothing done, if it is for the
        door."""
        since = self._timings.now()
        headers = dict(sent)
        if headers.get(b"content-type") != JSON or len(headers) != len(sent):
            return None
        if b"origin" in headers:
            return None
        try:
            self._guard.check(headers)
            named = self._ids.correlation(headers)
            CURRENT.set(named)
            who = self._gate.caller_of(
                headers.get(b"authorization"),
                named.request_id,
                by_socket=by_socket,
                certified=certified,
            )
            begun = None if who is None else self._begun(path, headers, body, who)
            if begun is None:
                return None
            self._tally.requests += 1
            parent = headers.get(b"traceparent", b"")
            return Passage(begun, since, named, path, parent, self._ids.trace_line(headers))
        except Exception:  # noqa: BLE001 (the door comes upon it again, and says it in full)
            return None

    def _begun(
        self, path: bytes, headers: dict[bytes, bytes], body: bytes, caller: Caller
    ) -> Begun | None:
        if caller.audience:
            return None  # whether the token is for this address, the door finds out
        door = self._doors.get(path)
        if door is None:
            return self._asked(headers, body, caller)
        return door.begin(headers, body, caller)

    def _asked(self, headers: dict[bytes, bytes], body: bytes, caller: Caller) -> Begun | None:
        if b"idempotency-key" in headers:
            return None
        permit_role(caller, "ask")
        return self._intents.begin(body, caller)

    def finished(self, passage: Passage, status: int) -> None:
        """A request's answer is on its way."""
        self._timings.finished(
            "POST",
            passage.path.decode(),
            status,
            passage.since,
            passage.named,
            (passage.traceparent, passage.trace),
        )

    def failed(self, error: Exception, passage: Passage) -> tuple[Reply, Exchange]:
        """The problem that ended a request on its way, and what it is a reply to."""
        scope = {"method": "POST", "path": passage.path.decode(), "raw_path": passage.path}
        exchange = Exchange(scope, _unread, {}, passage.named.request_id, passage.named)
        self._tally.refuse(error)
        return problem_reply(error, exchange), exchange


async def _unread() -> NoReturn:
    raise RuntimeError("a question on the express lane was read in full")
