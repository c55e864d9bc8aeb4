"""The express lane answers what the protocol's library would answer, or leaves it alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratelord_core import plugins
from ratelord_core.doors import CALLER, REPLY, Building, Message, Receive, Scope
from ratelord_core.model.caller import Caller
from ratelord_core.testing.living_arbiter import LivingArbiter
from ratelord_mcp import watch
from ratelord_mcp.hall import furnish

POLICY = """
pools:
  - {id: team/requests, limit: 40, window: {kind: fixed, every: 60s}}
  - {id: team/few, limit: 3, window: {kind: fixed, every: 1h}, shared_by: [rare]}
policies:
  - id: house
    rules:
      - {name: guarded, condition: "intent.workload_id == 'guarded'", action: deny, overridable: true,
         params: {reason: "ask a human"}}
      - {name: no, condition: "intent.workload_id == 'forbidden'", action: deny, params: {reason: "not here"}}
"""
VERSION, CAPABILITIES, INFO = (
    f"io.modelcontextprotocol/{name}"
    for name in ("protocolVersion", "clientCapabilities", "clientInfo")
)
NAMES = {"agent_id": "a:1", "identity_id": "i:1", "workload_id": "scan", "scope_id": "repo:x/y"}
HEADERS = {
    "host": "localhost",
    "accept": "application/json, text/event-stream",
    "content-type": "application/json",
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/call",
}


class World:
    """A hall of its own over an arbiter of its own; ``slow`` ones have no express lane."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, slow: bool) -> None:
        self.alive = LivingArbiter(POLICY)
        self.hall = furnish(Building(self.alive.arbiter, plugins.load().things))
        self.taken = 0
        self._loop = loop
        self._closing = asyncio.Event()
        if slow:
            self.hall._express = _NoLane()  # type: ignore[assignment]

    def open(self) -> World:
        """Begin to answer."""
        ready = asyncio.Event()

        async def begin() -> asyncio.Task[None]:
            await self.alive.open()
            living = asyncio.create_task(self.hall.live(ready, self._closing))
            await ready.wait()
            return living

        self._living = self._loop.run_until_complete(begin())
        return self

    def close(self) -> None:
        """Stop."""

        async def end() -> None:
            self._closing.set()
            await self._living
            await self.alive.close()

        self._loop.run_until_complete(end())

    def send(self, headers: list[tuple[str, str]], body: bytes, caller: Caller) -> tuple[int, Any]:
        """One request; status, and JSON or bytes."""
        return self._loop.run_until_complete(self._send(headers, body, caller))

    async def _send(
        self, headers: list[tuple[str, str]], body: bytes, caller: Caller
    ) -> tuple[int, Any]:
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        sent: list[Message] = []

        async def receive() -> Message:
            if messages:
                return messages.pop()
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Message) -> None:
            sent.append(message)

        async def whole(reply: bytes) -> None:
            self.taken += 1
            sent.append({"type": "http.response.start", "status": 200})
            sent.append({"type": "http.response.body", "body": reply})

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/mcp",
            "raw_path": b"/mcp",
            "query_string": b"",
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
            CALLER: caller,
            REPLY: whole,
        }
        await self.hall.serve(scope, receive, send)
        content = b"".join(message.get("body", b"") for message in sent[1:])
        try:
            return sent[0]["status"], json.loads(content)
        except ValueError:
            return sent[0]["status"], content


class _NoLane:
    async def answer(self, scope: Scope, receive: Receive, caller: Caller) -> Receive:
        return receive


@pytest.fixture(scope="module")
def worlds() -> Iterator[tuple[World, World]]:
    """The same world twice: with the express lane and without it."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    with pytest.MonkeyPatch.context() as patch:
        # Nobody looks round by the wall clock: both worlds would see a pool turn at other calls.
        patch.setattr(watch, "PERIOD", 1e6)
        pair = (World(loop, slow=False).open(), World(loop, slow=True).open())
        yield pair
        for world in pair:
            world.close()
    asyncio.set_event_loop(None)
    loop.close()


Pair = tuple[World, World]
Sent = tuple[list[tuple[str, str]], bytes, Caller]

amounts = st.one_of(
    st.none(), st.integers(-2, 50), st.floats(), st.just(2**70), st.just(True), st.just("3")
)
texts = st.one_of(
    st.sampled_from(
        ["a:1", "i:1", "scan", "rare", "forbidden", "global", "", "a b", "é", "\0", "x" * 300]
    ),
    st.none(),
    st.integers(),
)
argument_values: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("agent_id", "identity_id", "workload_id", "scope_id", "model"), texts),
    "urgency": st.sampled_from(["high", "normal", "background", "now", None, 1]),
    "expected_cost": amounts,
    "costs": st.one_of(
        st.none(), st.dictionaries(st.sampled_from(["team/few", "x"]), amounts, max_size=2)
    ),
    "provider_id": st.sampled_from([None, "team", "nobody", "a/b"]),
    "pool_id": st.sampled_from([None, "few", "none"]),
    "duration_hint": amounts,
    "max_wait_seconds": amounts,
    "idempotency_key": st.sampled_from([None, "k1", "k2", ""]),
    "dry_run": st.sampled_from([None, True, False, "yes"]),
    "debug": st.booleans(),
    "renews": st.sampled_from([None, "", "x", "0193aaaa-bbbb-7ccc-8ddd-eeeeffff0000", 7]),
    "client_context": st.sampled_from([None, {}, {"run_id": "r", "task_id": 1}, {"k": "v"}, "r"]),
    "surprise": st.just(1),
}
ids = st.one_of(
    st.integers(-(2**60), 2**60),
    st.text(max_size=5),
    st.none(),
    st.booleans(),
    st.just(1.5),
    st.just(2.0),
)
metas: st.SearchStrategy[Any] = st.one_of(
    st.just({VERSION: "2026-07-28", CAPABILITIES: {}}),
    st.just({VERSION: "2026-07-28", CAPABILITIES: {}, INFO: {"name": "t", "version": "1"}}),
    st.just(
        {VERSION: "2026-07-28", CAPABILITIES: {"elicitation": {}, "roots": {"listChanged": True}}}
    ),
    st.just({VERSION: "2026-07-28", CAPABILITIES: {"roots": 3}}),
    st.just({VERSION: "2026-07-28", CAPABILITIES: [], INFO: "me"}),
    st.just({VERSION: "2025-11-25", CAPABILITIES: {}}),
    st.just({VERSION: "2026-07-28", CAPABILITIES: {}, "progressToken": 1}),
    st.just({VERSION: "2026-07-28", CAPABILITIES: {}, "own/key": [1, {"a": None}]}),
    st.just({CAPABILITIES: {}}),
    st.none(),
)
odd_headers = st.lists(
    st.sampled_from(
        [
            ("accept", "application/json"),
            ("accept", "*/*"),
            ("accept", "application/jsonx"),
            ("accept", "text/html, Application/JSON;q=0.5"),
            ("content-type", "application/json; charset=utf-8"),
            ("content-type", "text/plain"),
            ("mcp-name", "report_usage"),
            ("mcp-name", "=?base64?YXNrX2ludGVudA==?="),
            ("mcp-method", "tools/list"),
            ("mcp-protocol-version", "2025-11-25"),
            ("mcp-protocol-version", "2099-01-01"),
            ("mcp-session-id", "abc"),
            ("mcp-param-agent", "a:1"),
            ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ]
    ),
    max_size=2,
)


def _bend(draw: st.DrawFn, request: dict[str, Any]) -> None:
    """Something about the request that is not plain, or nothing."""
    params = request["params"]
    match draw(st.sampled_from(["", "", "", "params", "top", "no arguments", "version", "tool"])):
        case "params":
            params["inputResponses"] = {}
        case "top":
            request["extra"] = 1
        case "no arguments":
            params["arguments"] = draw(st.sampled_from([None, [], "x", {}]))
        case "version":
            request["jsonrpc"] = "1.0"
        case "tool":
            params["name"] = "nobody"


@st.composite
def calls(draw: st.DrawFn) -> Sent:
    """A tool call that is plain in most respects, and seldom in all."""
    arguments: dict[str, Any] = dict(NAMES)
    for name in draw(st.lists(st.sampled_from(sorted(argument_values)), max_size=2)):
        arguments[name] = draw(argument_values[name])
    if draw(st.integers(0, 9)) == 0:
        arguments.pop(draw(st.sampled_from(sorted(arguments))))
    request: dict[str, Any] = {
        "jsonrpc": "2.0",
        "id": draw(st.one_of(st.just(1), ids)),
        "method": "tools/call",
        "params": {
            "name": "ask_intent",
            "arguments": arguments,
            "_meta": draw(st.one_of(st.just({VERSION: "2026-07-28", CAPABILITIES: {}}), metas)),
        },
    }
    _bend(draw, request)
    headers = list((HEADERS | {"mcp-name": "ask_intent"}).items())
    for name, value in draw(st.one_of(st.just([]), odd_headers)):
        if draw(st.booleans()):
            headers = [pair for pair in headers if pair[0] != name]
        headers.append((name, value))
    body = json.dumps(request).encode()
    if draw(st.integers(0, 19)) == 0:
        body = draw(
            st.sampled_from([body[:-1], b"", b"[]", body + b" x", body.replace(b"scan", b"sc\xff")])
        )
    caller = draw(
        st.sampled_from(
            [Caller(door="http"), Caller("agent", "i:1", "http"), Caller("viewer", "v", "http")]
        )
    )
    return headers, body, caller


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(sent=calls())
def test_any_call_is_answered_alike_with_and_without_the_lane(worlds: Pair, sent: Sent) -> None:
    quick, slow = worlds

    assert quick.send(*sent) == slow.send(*sent)


def test_plain_calls_do_take_the_lane_and_are_answered_alike(worlds: Pair) -> None:
    quick, slow = worlds
    before = quick.taken
    headers = list((HEADERS | {"mcp-name": "ask_intent"}).items())
    meta = {
        VERSION: "2026-07-28",
        CAPABILITIES: {"roots": {}},
        INFO: {"name": "t", "version": "1"},
    }
    params = {"name": "ask_intent", "arguments": NAMES | {"max_wait_seconds": 0}, "_meta": meta}
    body = json.dumps(
        {"jsonrpc": "2.0", "id": "q", "method": "tools/call", "params": params}
    ).encode()

    for _ in range(60):  # approvals until the pool is empty, and denials then
        answer = quick.send(headers, body, Caller(door="http"))
        assert answer == slow.send(headers, body, Caller(door="http"))

    assert quick.taken == before + 60
    assert slow.taken == 0
    assert answer[1]["result"]["structuredContent"]["decision"] == "deny_with_reason"


def test_a_denial_of_which_a_human_may_be_asked_is_decided_once(worlds: Pair) -> None:
    headers = list((HEADERS | {"mcp-name": "ask_intent"}).items())
    answers = []
    for capabilities in ({"elicitation": {}}, {}):
        meta = {VERSION: "2026-07-28", CAPABILITIES: capabilities}
        arguments = NAMES | {"workload_id": "guarded"}
        params = {"name": "ask_intent", "arguments": arguments, "_meta": meta}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        for world in worlds:
            before = len(world.alive.store.records)
            answer = world.send(headers, json.dumps(body).encode(), Caller(door="http"))[1][
                "result"
            ]
            decided = [r.event_type for r in world.alive.store.records[before:]]
            assert decided.count("intent_decided") == 1
            answer.pop("requestState", None)
            answers.append(answer)

    assert answers[0] == answers[1]
    assert answers[0]["resultType"] == "input_required"
    assert answers[2] == answers[3]
    assert answers[2]["structuredContent"]["allowed"] is False


def _report(intent_id: str, **fields: Any) -> bytes:
    meta = {VERSION: "2026-07-28", CAPABILITIES: {}}
    arguments = {"intent_id": intent_id, **fields}
    params = {"name": "report_usage", "arguments": arguments, "_meta": meta}
    return json.dumps(
        {"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": params}
    ).encode()


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"outcome": "cancelled"},
        {"outcome": "lost"},
        {"actual_cost": -1},
        {"headers": {"X-RateLimit-Limit": "10", "Authorization": "s"}},
        {"idempotency_key": "k"},
    ],
    ids=str,
)
def test_reports_are_answered_alike(worlds: Pair, fields: dict[str, Any]) -> None:
    for world in worlds:
        world.alive.clock.advance(3_600_000_000)
    ask_headers = list((HEADERS | {"mcp-name": "ask_intent"}).items())
    meta = {VERSION: "2026-07-28", CAPABILITIES: {}}
    params = {"name": "ask_intent", "arguments": NAMES, "_meta": meta}
    body = json.dumps(
        {"jsonrpc": "2.0", "id": 4, "method": "tools/call", "params": params}
    ).encode()
    told, same = (world.send(ask_headers, body, Caller(door="http")) for world in worlds)
    assert told == same
    intent_id = told[1]["result"]["structuredContent"]["intent_id"]
    headers = list((HEADERS | {"mcp-name": "report_usage"}).items())

    for intent in (intent_id, intent_id, "nonsense", "019b76da-a800-7d2b-ba15-37436e5ce3d5"):
        report = _report(intent, **fields)
        answers = [world.send(headers, report, Caller(door="http")) for world in worlds]
        assert answers[0] == answers[1]


def test_a_body_in_several_parts_is_left_to_the_library(worlds: Pair) -> None:
    quick, _ = worlds
    before = quick.taken
    headers = list((HEADERS | {"mcp-name": "ask_intent"}).items())
    parts = [b'{"jsonrpc":"2.0","id":1,', b'"method":"tools/call","params":{}}']
    sent: list[Message] = []

    async def receive() -> Message:
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/mcp",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        CALLER: Caller(),
        REPLY: None,
    }
    quick._loop.run_until_complete(quick.hall.serve(scope, receive, send))

    assert sent[0]["status"] == 400
    assert quick.taken == before
