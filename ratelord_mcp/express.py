"""Answers hot calls of the stateless era without the protocol's library.

``ask_intent`` and ``report_usage`` are called before and after every action, and the library spends
several times what deciding costs. A request that is plain in every respect is decoded in one step,
with every check that the library would make, and answered with the same JSON. Whatever is not
plain, or not right, is handed over untouched: the library does it from the start, and says what is
wrong. What was decided here and is handed over all the same (a denial, about which a human may be
asked) goes with its decision, and is not decided again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import Any, Final, Literal

import msgspec
from mcp.types import CallToolRequestParams
from mcp_types import methods
from mcp_types.version import LATEST_MODERN_VERSION
from pydantic import ValidationError

from ratelord_core.arbiter import Arbiter
from ratelord_core.doors import REPLY, Begun, Message, Receive, Scope
from ratelord_core.errors import RatelordError
from ratelord_core.model.caller import Caller
from ratelord_core.model.decision import Decision
from ratelord_core.model.intent import Intent
from ratelord_core.wire.intent import IntentRequest
from ratelord_mcp.hearing import DECIDED, decide, free, free_unheard, nobody_waits
from ratelord_mcp.identity import agent_of
from ratelord_mcp.server import RatelordServer
from ratelord_mcp.tools import ask, report
from ratelord_mcp.tools.report import ReportArguments

VERSION: Final = "2026-07-28"
_VERSION: Final = VERSION.encode()
LONGEST: Final = 64 * 1024
"""Bytes of a request that is answered here."""
_REMEMBERED: Final = 1024
_VERSION_KEY: Final = "io.modelcontextprotocol/protocolVersion"
_CAPABILITIES: Final = "io.modelcontextprotocol/clientCapabilities"
_encode = msgspec.json.Encoder().encode


class _Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request that is plain. ``meta`` and ``arguments`` are looked at separately."""

    jsonrpc: Literal["2.0"]
    id: int | str
    method: Literal["tools/call"]
    params: _Params


class _Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"meta": "_meta"}):
    name: str
    arguments: msgspec.Raw
    meta: msgspec.Raw


class _Envelope(msgspec.Struct, frozen=True):
    """What there is to know of the envelope of a call."""

    plain: bool
    asks_humans: bool = False


_ODD: Final = _Envelope(plain=False)
_Tool = Callable[[_Call, Caller, Scope, Receive], Awaitable[bytes | None]]


class Handed(msgspec.Struct):
    """What was read of a request that is handed over: it is read again from here."""

    messages: list[Message]
    receive: Receive

    async def again(self) -> Message:
        """The next message, for whoever takes over."""
        return self.messages.pop(0) if self.messages else await self.receive()


class Express:
    """Takes plain calls; ``None`` says that it answered."""

    def __init__(self, arbiter: Arbiter, server: RatelordServer) -> None:
        self._arbiter = arbiter
        self._alerts = server.alerts
        self._decode = msgspec.json.Decoder(_Call).decode
        self._ask = msgspec.json.Decoder(_closed(IntentRequest, ask.OFFERS)).decode
        self._report = msgspec.json.Decoder(_closed(ReportArguments, report.OFFERS)).decode
        self._known: dict[bytes, _Envelope] = {}
        stamp = _encode({"io.modelcontextprotocol/serverInfo": server.server_info_stamp})
        self._end = b',"isError":false,"resultType":"complete","_meta":%s}}' % stamp
        self._tools: dict[bytes, _Tool] = {
            ask.NAME.encode(): self._asked,
            report.NAME.encode(): self._reported,
        }

    async def answer(self, scope: Scope, receive: Receive, caller: Caller) -> Receive | None:
        """Answer, or say from where the request is to be read by whoever does."""
        tool = self._tool(scope)
        if tool is None:
            return receive
        name, run = tool
        first = await receive()
        if first["type"] != "http.request" or first.get("more_body"):
            return Handed([first], receive).again
        handed = Handed([first], receive).again
        try:
            call = self._read(first.get("body", b""), name)
            if call is None:
                return handed
            structured = await run(call, caller, scope, receive)
            if structured is None:
                return handed
        except (RatelordError, msgspec.MsgspecError, ValueError, RecursionError):
            return handed
        await scope[REPLY](self._whole(call, structured))
        return None

    def begin(self, headers: Mapping[bytes, bytes], body: bytes, caller: Caller) -> Begun | None:
        """Decide a plain ``ask_intent``, to be told when it is durable; None if it is none."""
        name = ask.NAME.encode()
        if headers.get(b"mcp-name") != name or not _is_plain(headers):
            return None
        call = self._read(body, name)
        if call is None or self._envelope(call).asks_humans:
            return None
        asked: Any = self._ask(call.params.arguments)
        intent = ask.question(asked, caller)
        pending = self._arbiter.begin(intent, caller)
        return _Asked(self, call, asked.agent_id, intent, caller, pending)

    def unheard(self, asked: _Asked) -> None:
        """Nobody waits for that answer any more."""
        if asked.intent.idempotency_key is None:
            free_unheard(asked.pending, self._arbiter, asked.caller)

    def told(self, asked: _Asked) -> bytes:
        """The answer to that call."""
        answer = ask.noted(asked.pending.result(), asked.intent, self._alerts)
        structured = self._encoded(answer, agent_of(asked.caller, asked.agent_id))
        return self._whole(asked.call, structured)

    def _whole(self, call: _Call, structured: bytes) -> bytes:
        return (
            b'{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":%s}],'
            b'"structuredContent":%s%s'
            % (_encode(call.id), _encode(structured.decode()), structured, self._end)
        )

    def _tool(self, scope: Scope) -> tuple[bytes, _Tool] | None:
        """The tool that the headers name, if nothing about them is out of the ordinary."""
        if scope["method"] != "POST" or scope["path"] != "/mcp" or scope["query_string"]:
            return None
        headers = dict(scope["headers"])
        if len(headers) != len(scope["headers"]) or not _is_plain(headers):
            return None
        name = headers.get(b"mcp-name", b"")
        run = self._tools.get(name)
        return None if run is None else (name, run)

    def _read(self, body: bytes, name: bytes) -> _Call | None:
        """The call, if it is plain."""
        if len(body) > LONGEST or b"\\u0000" in body or b"\0" in body:
            return None
        call = self._decode(body)
        if call.params.name.encode() != name or isinstance(call.id, bool):
            return None
        return call if self._envelope(call).plain else None

    def _envelope(self, call: _Call) -> _Envelope:
        """What there is to know of a call's envelope. Clients send the same one again and again, so
        that it is looked at once."""
        meta = bytes(call.params.meta)
        known = self._known.get(meta)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[meta] = _vet(meta)
        return known

    # --- the tools ----------------------------------------------------------------------------

    async def _asked(
        self, call: _Call, caller: Caller, scope: Scope, receive: Receive
    ) -> bytes | None:
        asked: Any = self._ask(call.params.arguments)
        intent = ask.question(asked, caller)
        decision = await decide(self._arbiter, intent, caller)
        if decision.allowed and intent.idempotency_key is None and nobody_waits(receive):
            await free(self._arbiter, decision, caller)
        if not decision.allowed and self._envelope(call).asks_humans:
            scope[DECIDED] = decision
            return None
        answer = ask.noted(decision, intent, self._alerts)
        return self._encoded(answer, agent_of(caller, asked.agent_id))

    async def _reported(
        self, call: _Call, caller: Caller, _scope: Scope, _receive: Receive
    ) -> bytes | None:
        told: Any = self._report(call.params.arguments)
        done = await report.settle(self._arbiter, told, caller)
        claimed = self._alerts.asker_of(told.intent_id)
        return self._encoded(done, agent_of(caller, claimed or "") or None)

    def _encoded(self, record: msgspec.Struct, agent_id: str | None) -> bytes:
        alerts = self._alerts.take(agent_id)
        return _encode(msgspec.structs.replace(record, alerts=alerts) if alerts else record)


class _Asked(msgspec.Struct, frozen=True):
    """A plain ``ask_intent`` that is decided."""

    express: Express
    call: _Call
    agent_id: str
    intent: Intent
    caller: Caller
    pending: asyncio.Future[Decision]

    def reply(self) -> tuple[bytes, bytes]:
        """No further header lines; the answer's body."""
        return b"", self.express.told(self)

    def unheard(self) -> None:
        """The client went away."""
        self.express.unheard(self)


def _is_plain(headers: Mapping[bytes, bytes]) -> bool:
    """Whether the headers are those of a tool call of the stateless era that wants JSON."""
    return (
        headers.get(b"mcp-method") == b"tools/call"
        and headers.get(b"mcp-protocol-version") == _VERSION
        and headers.get(b"content-type") == b"application/json"
        and _takes_json(headers.get(b"accept", b""))
    )


def _vet(meta: bytes) -> _Envelope:
    """Whether the library would take this envelope, and find nothing to do in it."""
    envelope = msgspec.json.decode(meta)
    if not isinstance(envelope, dict) or "progressToken" in envelope:
        return _ODD
    capabilities = envelope.get(_CAPABILITIES)
    current = envelope.get(_VERSION_KEY) == VERSION == LATEST_MODERN_VERSION
    if not current or not isinstance(capabilities, dict):
        return _ODD
    params = {"_meta": envelope, "name": ask.NAME, "arguments": {}}
    try:
        methods.validate_client_request("tools/call", VERSION, params)
        CallToolRequestParams.model_validate(params, by_name=False)
    except ValidationError:
        return _ODD
    return _Envelope(plain=True, asks_humans="elicitation" in capabilities)


def _closed(kind: type[msgspec.Struct], offers: tuple[str, ...]) -> type[msgspec.Struct]:
    """The record with the arguments that are offered and no others: whatever else there is would
    have to be refused by name. What is not offered reads as absent."""
    known = {field.name: field for field in msgspec.structs.fields(kind)}
    fields: list[Any] = [
        (name, known[name].type) if known[name].required else (name, known[name].type, None)
        for name in offers
    ]
    return msgspec.defstruct(
        f"Plain{kind.__name__}",
        fields,
        namespace=dict.fromkeys(known.keys() - set(offers)),
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )


@lru_cache(maxsize=64)
def _takes_json(accept: bytes) -> bool:
    """Whether an Accept header names JSON outright."""
    kinds = (part.partition(b";")[0].strip().lower() for part in accept.split(b","))
    return b"application/json" in kinds
