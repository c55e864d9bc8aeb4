"""Passes messages both ways, and stops tool calls until they may go on."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

import anyio
import anyio.abc

from ratelord_core.model.ids import Entropy
from ratelord_core.tool_mapping import as_id
from ratelord_mcp.gateway.call import Call
from ratelord_mcp.gateway.desk import Desk
from ratelord_mcp.gateway.messages import (
    CLIENT_INFO,
    OWN,
    Key,
    Message,
    doubtful,
    encode,
    failure,
    key_of,
    mapping,
    notification,
    read,
)
from ratelord_mcp.gateway.parked import Parked
from ratelord_mcp.gateway.pipes import Note, Server, Side, note

_GRACE: Final = 2.0
_INVALID: Final = -32600
_UNREADABLE: Final = "this is no message that can be read; send one object of JSON in UTF-8"
_DOUBTFUL: Final = "a name stands twice but for its capitals, and readers differ; write it once"
_GONE: Final = (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError)


class Relay:
    """A client on the one side, a server on the other, a desk to ask at in between."""

    def __init__(
        self, client: Side, server: Server, desk: Desk, entropy: Entropy, *, say: Note = note
    ) -> None:
        self._client = client
        self._server = server
        self._desk = desk
        self._entropy = entropy
        self._say = say
        self._calls: dict[Key, Call] = {}
        self._asked: dict[Key, anyio.Event] = {}
        """Questions of our own to the client, and what rings when they are answered."""
        self._answers: dict[Key, Message] = {}
        self._listings: set[Key] = set()
        self._passed: set[Key] = set()
        """Requests that the server has not answered, but for tool calls."""
        self._greeted: dict[str, Any] = {}
        self._client_name = ""
        self._idle = anyio.Event()
        self.parked = Parked(entropy)
        self.shaped: set[str] = set()
        """Tools that promise a shape of their results."""

    async def run(self) -> None:
        """Until either side ends. Calls under way are then reported, and so ended."""
        try:
            async with anyio.create_task_group() as group:
                self._group = group
                group.start_soon(self._until_end, self._from_server)
                with contextlib.suppress(*_GONE):
                    await self._from_client()
                    await self._run_out()
                group.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True), anyio.move_on_after(10):
                await self.parked.settle_all(self._desk)

    async def _until_end(self, pump: Callable[[], Awaitable[None]]) -> None:
        with contextlib.suppress(*_GONE):
            await pump()
        self._group.cancel_scope.cancel()

    async def _run_out(self) -> None:
        """The client has said all: what the server works on may end, what waits may not begin."""
        for call in list(self._calls.values()):
            call.give_up()
        with anyio.move_on_after(_GRACE):
            await self._server.hear_no_more()
            while self._calls or self._passed:
                self._idle = anyio.Event()
                await self._idle.wait()

    # --- from the client ----------------------------------------------------------------------

    async def _from_client(self) -> None:
        async for line in self._client.lines():
            messages = read(line)
            if messages is None:
                await self._pass_unread(line)
            for message in messages or ():
                if doubtful(message.content):
                    await self._refuse(message.content.get("id"), _DOUBTFUL)
                else:
                    await self._take(message)

    async def _pass_unread(self, line: bytes) -> None:
        """What cannot be read here may be a call to a server that is less strict (no UTF-8, numbers
        without end, a depth without end): it passes only if it can be no message whatsoever."""
        if b"{" in line:
            await self._refuse(None, _UNREADABLE)
        else:
            await self._server.send(line)  # the server knows best what to say to it

    async def _refuse(self, request_id: Any, said: str) -> None:
        known = request_id if isinstance(request_id, str | int) else None
        await self._client.send(failure(known, _INVALID, said))

    async def _take(self, message: Message) -> None:
        if message.method == "tools/call" and message.is_request:
            await self._begin(message)
            return
        if message.method == "tools/call":
            return  # a call that wants no answer is no call, and could not be refused
        if message.method == "notifications/cancelled" and await self._cancelled(message):
            return
        if message.is_response and message.key in self._asked:
            self._answers[message.key] = message
            self._asked.pop(message.key).set()
            return
        self._note_greeting(message)
        if message.is_request:
            self._passed.add(message.key)
        await self._server.send(message.raw)

    async def _begin(self, message: Message) -> None:
        if message.key in self._calls:
            said = "this id is in use by another call"
            await self._client.send(failure(message.content["id"], _INVALID, said))
            return
        call = self._calls[message.key] = Call(message, self._desk, self)
        self._group.start_soon(self._conduct, call)

    async def _conduct(self, call: Call) -> None:
        try:
            with contextlib.suppress(*_GONE):
                await call.conduct()
        finally:
            if self._calls.get(call.message.key) is call:
                del self._calls[call.message.key]
            self._idle.set()

    async def _cancelled(self, message: Message) -> bool:
        """Whether that was the end of it: a call that the server has not seen."""
        key = key_of(message.params.get("requestId"))
        self._passed.discard(key)
        call = self._calls.get(key)
        return call is not None and await call.cancel()

    def _note_greeting(self, message: Message) -> None:
        if message.method == "initialize":
            self._greeted = mapping(message.params.get("capabilities"))
            self._client_name = str(mapping(message.params.get("clientInfo")).get("name", ""))
        elif message.method == "tools/list" and message.is_request:
            self._listings.add(message.key)

    # --- from the server ----------------------------------------------------------------------

    async def _from_server(self) -> None:
        async for line in self._server.lines():
            messages = read(line)
            if messages is None:
                self._say(f"the server printed what is no message: {_shown(line)}")
                continue
            for message in messages:
                await self._give(message)

    async def _give(self, message: Message) -> None:
        if message.is_response:
            call = self._calls.get(message.key)
            if call is not None and call.answered(message):
                return
            if message.key in self._listings:
                self._listings.discard(message.key)
                self._note_tools(message)
        await self._client.send(message.raw)
        if message.is_response:
            self._passed.discard(message.key)
            self._idle.set()

    def _note_tools(self, message: Message) -> None:
        tools = mapping(message.content.get("result")).get("tools")
        for tool in tools if isinstance(tools, list) else ():
            if "outputSchema" in mapping(tool) and isinstance(tool.get("name"), str):
                self.shaped.add(tool["name"])

    # --- for calls ----------------------------------------------------------------------------

    async def to_client(self, line: bytes) -> None:
        """Pass a message of ours, or one that was kept back."""
        await self._client.send(line)

    async def to_server(self, line: bytes) -> None:
        """Pass a call on."""
        await self._server.send(line)

    async def ask_client(self, method: str, params: dict[str, Any], seconds: float) -> Any:
        """The result of a request of ours; None if there is none in that time."""
        name = f"{OWN}{self._entropy.random_bytes(8).hex()}"
        key, rung = key_of(name), anyio.Event()
        self._asked[key] = rung
        asked = {"jsonrpc": "2.0", "id": name, "method": method, "params": params}
        try:
            await self._client.send(encode(asked))
            with anyio.move_on_after(seconds):
                await rung.wait()
                return self._answers.pop(key).content.get("result")
            late = notification("notifications/cancelled", {"requestId": name})
            await self._client.send(late)
            return None
        finally:
            self._asked.pop(key, None)

    def agent_of(self, call: Message) -> str:
        """Who asks: as named, else the client by its own name."""
        if self._desk.asker.agent:
            return self._desk.asker.agent
        said = mapping(call.meta.get(CLIENT_INFO)).get("name")
        name = said if isinstance(said, str) and said else self._client_name
        return as_id(f"mcp:{name or 'client'}")

    @property
    def greeted(self) -> dict[str, Any]:
        """The capabilities that the client named when it greeted."""
        return self._greeted

    @property
    def server(self) -> Server:
        """The side that is wrapped."""
        return self._server


def _shown(line: bytes) -> str:
    text = line[:200].decode("utf-8", "replace")
    return repr(text) + (" …" if len(line) > 200 else "")
