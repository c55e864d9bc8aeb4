"""Asking, reporting, extending, and asking why."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from ratelord_core.arbiter import Authority
from ratelord_core.errors import FieldError, Forbidden, NotFound, Unavailable
from ratelord_core.http.body import read_body
from ratelord_core.http.exchange import Answer, Exchange, Reply, json_reply
from ratelord_core.http.rate_fields import rate_lines
from ratelord_core.http.security import act_as
from ratelord_core.http.settings import HttpSettings
from ratelord_core.http.wire import BatchCodec, Codec
from ratelord_core.model.caller import Caller
from ratelord_core.model.decision import Decision
from ratelord_core.model.intent import Intent, Urgency
from ratelord_core.wire.decision import DecisionView, decision_view
from ratelord_core.wire.faults import Faults, check_text, invalid, refuse, shown
from ratelord_core.wire.intent import (
    ExtendRequest,
    IntentRequest,
    OverrideRequest,
    ReportRequest,
    check_override,
    extension_of,
    intent_of,
    is_intent_id,
    report_of,
)

_encode = msgspec.json.Encoder().encode


class Decisions(msgspec.Struct, frozen=True):
    """The answers of a batch, in the order of its questions."""

    decisions: list[DecisionView]


_SHARES: Final[dict[Urgency, float]] = {"background": 0.75, "normal": 0.9, "high": 1.0}
"""How much of the room for waiting questions is open to which urgency, the least urgent first."""
_RANK: Final = list(_SHARES).index


class BatchRequest(msgspec.Struct, frozen=True):
    """The body of a batch."""

    intents: Annotated[list[IntentRequest], Meta(extra_json_schema={"maxItems": 1000})]


class Asked(msgspec.Struct, frozen=True):
    """A question that is decided, and whose answer may be told once ``pending`` is done."""

    intents: Intents
    pending: asyncio.Future[Decision]
    trace: bool

    def reply(self) -> tuple[bytes, bytes]:
        """The answer's own header lines, and its body."""
        self.intents.leave()
        decision = self.pending.result()
        lines = rate_lines(decision, self.intents.ceiling)
        return lines, _encode(decision_view(decision, trace=self.trace))

    def unheard(self) -> None:
        """Who has hung up stays decided."""
        self.intents.leave()


class AskedBatch(msgspec.Struct, frozen=True):
    """A batch whose answers may be told once ``pending`` is done."""

    intents: Intents
    pending: asyncio.Future[list[Decision]]
    asked: list[Intent]

    def reply(self) -> tuple[bytes, bytes]:
        """No header lines of its own, and the body."""
        self.unheard()
        return b"", _encode(_decisions(self.asked, self.pending.result()))

    def unheard(self) -> None:
        """Who has hung up stays decided."""
        self.intents.leave(len(self.asked))


class Intents:
    """What HTTP does with intents."""

    def __init__(self, arbiter: Authority, settings: HttpSettings) -> None:
        self.body_limit = settings.body_limit
        self._arbiter = arbiter
        self._settings = settings
        self._in_flight = 0
        most = settings.max_in_flight
        self._room = {name: max(1, round(most * share)) for name, share in _SHARES.items()}
        self.ceiling = arbiter.ceiling
        """A pool's limit, and the length of its window."""
        self._ask = Codec(IntentRequest)
        self._batch = BatchCodec(IntentRequest, "intents", settings.batch_size, intent_of)
        self._report = Codec(ReportRequest)
        self._extend = Codec(ExtendRequest)
        self._override = Codec(OverrideRequest)

    def begin(self, body: bytes, caller: Caller) -> Asked | None:
        """What ``ask`` does before it waits, for a question without a fault; None, with nothing
        done, if it would be answered with a warning. Raises what ``ask`` raises."""
        asked, warning = self._ask.decode(body)
        if warning:
            return None
        intent = intent_of(asked)
        act_as(caller, intent.identity_id)
        self._enter(1, intent.urgency)
        try:
            return Asked(self, self._arbiter.begin(intent, caller), intent.debug)
        except BaseException:
            self.leave()
            raise

    def begin_batch(self, body: bytes, caller: Caller) -> AskedBatch | None:
        """The same for ``ask_batch``."""
        asked, warning = self._batch.decode(body)
        if warning:
            return None
        self._let_in(asked, caller)
        try:
            return AskedBatch(self, self._arbiter.begin_batch(asked, caller), asked)
        except BaseException:
            self.leave(len(asked))
            raise

    def leave(self, count: int = 1) -> None:
        """Questions that were let in have their answers."""
        self._in_flight -= count

    async def ask(self, exchange: Exchange) -> Answer:
        """Ask whether an action may happen; the answer is decided and written down.

        A denial is an answer, not an error.
        """
        body = await read_body(exchange, self._settings.body_limit)
        asked, exchange.warning = self._ask.decode(body)
        key = _key(exchange)
        if key and asked.idempotency_key and key != asked.idempotency_key:
            fault = FieldError("Idempotency-Key", "is another one than the body's idempotency_key")
            raise invalid((fault,))
        intent = intent_of(asked, key=key)
        act_as(exchange.caller, intent.identity_id)
        self._enter(1, intent.urgency)
        try:
            decision = await self._arbiter.ask(intent, exchange.caller)
        finally:
            self._in_flight -= 1
        return self._told(decision, trace=intent.debug)

    async def ask_batch(self, exchange: Exchange) -> Answer:
        """Ask up to a thousand questions.

        They are decided one after another and committed together; the answers have the same order.
        If one question is not valid, nothing is decided, and each that is not is named.
        """
        body = await read_body(exchange, self._settings.batch_limit)
        intents, exchange.warning = self._batch.decode(body)
        self._let_in(intents, exchange.caller)
        try:
            decisions = await self._arbiter.ask_batch(intents, exchange.caller)
        finally:
            self.leave(len(intents))
        return json_reply(_decisions(intents, decisions))

    async def report(self, exchange: Exchange) -> Answer:
        """Settle an intent: its hold becomes use.

        The same report again changes nothing (`duplicate`); a different one is a 409. A report
        after the hold expired is taken as far as it still matters (`late`).
        """
        intent_id = _intent_id(exchange)
        body = await read_body(exchange, self._settings.body_limit)
        told, exchange.warning = self._report.decode(body)
        view = await self._arbiter.report(intent_id, report_of(told), exchange.caller)
        return json_reply(view)

    async def extend(self, exchange: Exchange) -> Answer:
        """Let an intent's holds live until so many seconds from now; a 409 if it has ended."""
        intent_id = _intent_id(exchange)
        body = await read_body(exchange, self._settings.body_limit)
        asked, exchange.warning = self._extend.decode(body)
        view = await self._arbiter.extend(intent_id, extension_of(asked), exchange.caller)
        return json_reply(view)

    async def override(self, exchange: Exchange) -> Answer:
        """Let a human allow once what an overridable rule denied.

        For admins, and for identities whose metadata has ``may_override: yes``, which then pass on
        what a human said.
        """
        intent_id = _intent_id(exchange)
        body = await read_body(exchange, self._settings.body_limit, optional=True)
        asked, exchange.warning = self._override.decode(body or b"{}")
        check_override(asked)
        caller = exchange.caller
        by = _allowed_by(caller, asked.by)
        decision = await self._arbiter.override(intent_id, by, asked.reason or "", caller)
        return Reply(_encode(decision_view(decision)))

    async def explain(self, exchange: Exchange) -> Answer:
        """Why: the intent, its decision with full trace, its report, and the same in sentences.

        An agent may ask about its own intents only.
        """
        story = await self._arbiter.explain(_intent_id(exchange))
        if exchange.caller.role == "agent":
            act_as(exchange.caller, _asker(story))
        return json_reply(story)

    def _let_in(self, intents: list[Intent], caller: Caller) -> None:
        """The intents of a batch, allowed and counted in."""
        for intent in intents:
            act_as(caller, intent.identity_id)
        self._enter(len(intents), min((one.urgency for one in intents), default="high", key=_RANK))

    def _told(self, decision: Decision, *, trace: bool) -> Reply:
        body = _encode(decision_view(decision, trace=trace))
        return Reply(body, lines=rate_lines(decision, self.ceiling))

    def _enter(self, count: int, urgency: Urgency) -> None:
        """Count questions in, if there is room: the less urgent, the sooner there is none."""
        if self._in_flight + count > self._room[urgency]:
            raise Unavailable(
                f"{self._in_flight} intents wait for their answers; ask again in a second",
                code="overloaded",
            )
        self._in_flight += count


def _decisions(intents: list[Intent], decisions: list[Decision]) -> Decisions:
    return Decisions(
        [
            decision_view(decision, trace=intent.debug)
            for intent, decision in zip(intents, decisions, strict=True)
        ]
    )


def _key(exchange: Exchange) -> str | None:
    header = exchange.headers.get(b"idempotency-key")
    if header is None:
        return None
    key = header.decode("latin-1").strip().strip('"')
    faults: Faults = []
    check_text(faults, "Idempotency-Key", key)
    refuse(faults)
    return key


def _intent_id(exchange: Exchange) -> str:
    intent_id = exchange.params["intent_id"]
    if not is_intent_id(intent_id):
        raise NotFound(f"no intent {shown(intent_id)}; its id is in the reply to the question")
    return intent_id


def _asker(story: dict[str, Any]) -> str:
    intent = story.get("intent")
    identity_id = intent.get("identity_id") if isinstance(intent, dict) else None
    if not isinstance(identity_id, str):
        raise Forbidden("whose intent this is cannot be told; ask with a viewer's token")
    return identity_id


def _allowed_by(caller: Caller, said: str | None) -> str:
    """A token says who this is; what the body says is beside the point then, unless that token
    stands for somebody who asks humans."""
    if caller.identity_id is None:
        return said or "local operator"
    passes_on = caller.may_override and said
    return f"{said} through {caller.identity_id}" if passes_on else caller.identity_id
