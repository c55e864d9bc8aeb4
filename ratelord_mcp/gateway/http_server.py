"""A server behind an address: streamable HTTP, by the protocol's own library."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx2
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.inbound import (
    MCP_METHOD_HEADER,
    MCP_NAME_HEADER,
    MCP_PROTOCOL_VERSION_HEADER,
    NAME_BEARING_METHODS,
    encode_header_value,
    find_invalid_x_mcp_header,
    mcp_param_headers,
    x_mcp_header_map,
)
from mcp.shared.message import ClientMessageMetadata, SessionMessage
from mcp.types import jsonrpc_message_adapter

from ratelord_mcp.gateway.learning import Limited
from ratelord_mcp.gateway.messages import (
    PROTOCOL_VERSION,
    Key,
    Message,
    key_of,
    mapping,
    read,
)
from ratelord_mcp.gateway.pipes import LONGEST_LINE, note

_REMEMBERED: Final = 1000
_READ_SECONDS: Final = 3600.0
"""A tool may work for an hour without a word."""


class HttpServer:
    """Speaks to a server over streamable HTTP, in the era in which the client speaks."""

    def __init__(self, incoming: Any, outgoing: Any, limits: OrderedDict[Key, Limited]) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._limits = limits
        self._version = ""
        self._greeting: Key | None = None
        self._listings: set[Key] = set()
        self._mirrored: dict[str, dict[tuple[str, ...], str]] = {}
        """Which arguments of a tool go into headers as well, as its schema asks."""

    async def lines(self) -> AsyncIterator[bytes]:
        async for item in self._incoming:
            if isinstance(item, Exception):
                note(f"the server sent what cannot be read: {item}")
                continue
            line = item.message.model_dump_json(by_alias=True, exclude_unset=True).encode()
            self._learn(line)
            yield line

    def _learn(self, line: bytes) -> None:
        for message in read(line) or ():
            result = mapping(message.content.get("result"))
            if message.key == self._greeting and message.is_response:
                self._version = str(result.get("protocolVersion", ""))
                self._greeting = None
            if message.key in self._listings and message.is_response:
                self._listings.discard(message.key)
                self._learn_tools(result)

    def _learn_tools(self, result: Mapping[str, Any]) -> None:
        tools = result.get("tools")
        for tool in tools if isinstance(tools, list) else ():
            schema = mapping(tool).get("inputSchema")
            if isinstance(mapping(tool).get("name"), str):
                valid = find_invalid_x_mcp_header(schema) is None
                self._mirrored[tool["name"]] = x_mcp_header_map(schema) if valid else {}

    async def send(self, line: bytes) -> None:
        for message in read(line) or ():
            parsed = jsonrpc_message_adapter.validate_json(message.raw, by_name=False)
            metadata = ClientMessageMetadata(headers=self._headers(message))
            await self._outgoing.send(SessionMessage(parsed, metadata))

    def _headers(self, message: Message) -> dict[str, str]:
        if message.method == "initialize":
            self._greeting = message.key
            return {}
        if message.method == "tools/list" and message.is_request:
            self._listings.add(message.key)
        if not message.is_modern:
            return {MCP_PROTOCOL_VERSION_HEADER: self._version} if self._version else {}
        headers = {
            MCP_PROTOCOL_VERSION_HEADER: str(message.meta[PROTOCOL_VERSION]),
            MCP_METHOD_HEADER: message.method,
        }
        name = message.params.get(NAME_BEARING_METHODS.get(message.method, ""))
        if isinstance(name, str):
            headers[MCP_NAME_HEADER] = encode_header_value(name)
            if message.method == "tools/call":
                arguments = mapping(message.params.get("arguments"))
                headers |= mcp_param_headers(self._mirrored.get(name, {}), arguments)
        return headers

    def limit_of(self, key: Key) -> Limited | None:
        return self._limits.pop(key, None)

    async def hear_no_more(self) -> None:
        """A connection is per request: there is nothing to close."""

    async def close(self) -> int:
        await self._outgoing.aclose()
        return 0


@asynccontextmanager
async def reached(url: str, headers: Mapping[str, str]) -> AsyncIterator[HttpServer]:
    """A server at an address, for the time of the block."""
    limits: OrderedDict[Key, Limited] = OrderedDict()

    async def remember(response: httpx2.Response) -> None:
        if response.status_code == 429:
            limits[_request_in(response)] = Limited(_seconds(response.headers.get("retry-after")))
            while len(limits) > _REMEMBERED:
                limits.popitem(last=False)

    timeout = httpx2.Timeout(30.0, read=_READ_SECONDS)
    hooks: dict[str, list[Any]] = {"response": [remember]}
    async with (
        httpx2.AsyncClient(headers=dict(headers), timeout=timeout, event_hooks=hooks) as client,
        streamable_http_client(url, http_client=client, max_sse_event_size=LONGEST_LINE) as (
            incoming,
            outgoing,
        ),
    ):
        yield HttpServer(incoming, outgoing, limits)


def _request_in(response: httpx2.Response) -> Key:
    try:
        return key_of(mapping(json.loads(response.request.content)).get("id"))
    except (ValueError, httpx2.RequestNotRead):
        return key_of(None)


def _seconds(told: str | None) -> float | None:
    """A date is taken as no advice: clocks differ."""
    return float(told) if told is not None and told.strip().isdigit() else None
