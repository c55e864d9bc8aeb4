"""The express lane: plain questions, answered by the connection that read them.

A server spends more on a request's ceremony (a task, a cycle of messages, two writes) than the
daemon spends on deciding. ``POST /v1/intent`` and batches, as well-behaved clients send them, need
none of that, nor do the hot calls of a plugin's door. Whatever is not plain, or not right, is left
to the door, which does it over from the start and says what is wrong: the lane decides nothing that
the door would have decided otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NoReturn

import msgspec

from ratelord_core.correlation import CURRENT, Correlation
from ratelord_core.doors import Begun, PromptDoor
from ratelord_core.http.exchange import JSON, Exchange, Reply
from ratelord_core.http.head import Fields, Head, Heads, length_of
from ratelord_core.http.hosts import HostGuard
from ratelord_core.http.intents import Intents
from ratelord_core.http.metrics import Tally
from ratelord_core.http.problems import HttpRefusal, problem_reply
from ratelord_core.http.request_id import RequestIds
from ratelord_core.http.security import Gate, permit_role
from ratelord_core.http.timings import Timings
from ratelord_core.model.instant import Micros

_INTENT: Final = "/v1/intent"
_BATCH: Final = "/v1/intents/batch"


class Passage(msgspec.Struct, frozen=True, gc=False):
    """A request on the lane: what was begun and when, its names, its head, and the line that
    answers its tracer."""

    begun: Begun
    since: Micros
    named: Correlation
    head: Head
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
        self._questions = {_INTENT: intents.begin, _BATCH: intents.begin_batch}
        self._doors = {path.encode(): door for path, door in doors.items()}
        self.paths = frozenset((*map(str.encode, self._questions), *self._doors))
        """What may be answered here, if it is POSTed."""
        self.heads = Heads()
        self._guard = guard
        self._gate = gate
        self._ids = ids
        self._tally = tally
        self._timings = timings

    def read(self, path: bytes, sent: Fields) -> Head | None:
        """What a head says that has those headers; None if a request with it is for the door."""
        fields = dict(sent)
        if fields.get(b"content-type") != JSON or len(fields) != len(sent):
            return None
        door = self._doors.get(path)
        keyed = door is None and b"idempotency-key" in fields
        if path not in self.paths or keyed or b"origin" in fields:
            return None
        try:
            self._guard.check(fields)
        except HttpRefusal:
            return None  # the door comes upon it again, and says it in full
        return Head(path.decode(), fields, door, fields.get(b"authorization"), length_of(fields))

    def take(
        self, head: Head, body: bytes, *, by_socket: bool, certified: str | None = None
    ) -> Passage | None:
        """Begin to answer the request with that head and body; None, with nothing done, if it is
        for the door."""
        since = self._timings.now()
        try:
            named = self._ids.correlation(head.fields)
            CURRENT.set(named)
            caller = self._gate.caller_of(
                head.authorization, named.request_id, by_socket=by_socket, certified=certified
            )
            if caller is None or caller.audience:
                return None  # whether a token is for this address, the door finds out
            if head.door is None:
                permit_role(caller, "ask")
                begun: Begun | None = self._questions[head.path](body, caller)
            else:
                begun = head.door.begin(head.fields, body, caller)
            if begun is None:
                return None
            self._tally.requests += 1
            return Passage(begun, since, named, head, self._ids.trace_line(head.fields))
        except Exception:  # noqa: BLE001 (the door comes upon it again, and says it in full)
            return None

    def finished(self, passage: Passage, status: int) -> None:
        """A request's answer is on its way."""
        head = passage.head
        self._timings.finished(
            "POST",
            head.path,
            status,
            passage.since,
            passage.named,
            (head.fields.get(b"traceparent", b""), passage.trace),
        )

    def failed(self, error: Exception, passage: Passage) -> tuple[Reply, Exchange]:
        """The problem that ended a request on its way, and what it is a reply to."""
        path = passage.head.path
        scope = {"method": "POST", "path": path, "raw_path": path.encode()}
        exchange = Exchange(scope, _unread, {}, passage.named.request_id, passage.named)
        self._tally.refuse(error)
        return problem_reply(error, exchange), exchange


async def _unread() -> NoReturn:
    raise RuntimeError("a question on the express lane was read in full")
