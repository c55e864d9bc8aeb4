"""Messages as the gateway reads them: only as far as it must, and passed on as they came."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import msgspec

PROTOCOL_VERSION: Final = "io.modelcontextprotocol/protocolVersion"
CLIENT_CAPABILITIES: Final = "io.modelcontextprotocol/clientCapabilities"
CLIENT_INFO: Final = "io.modelcontextprotocol/clientInfo"
"""Keys of ``_meta`` by which a request of the stateless era says what it is."""

OWN: Final = "dev.ratelord/"
"""How keys and ids of our own begin."""

_FIELDS: Final = frozenset({"jsonrpc", "id", "method", "params"})
_CALL_FIELDS: Final = frozenset({"name", "arguments"})

Key = tuple[str, Any]
"""A message's id, with its type: 1 is not "1"."""


class Message(msgspec.Struct, frozen=True):
    """One message: its bytes, and what they say."""

    raw: bytes
    content: dict[str, Any]

    @property
    def method(self) -> str:
        """The method, "" for a response."""
        method = self.content.get("method")
        return method if isinstance(method, str) else ""

    @property
    def is_request(self) -> bool:
        """Whether somebody waits for a response to it."""
        return bool(self.method) and "id" in self.content

    @property
    def is_response(self) -> bool:
        """Whether it answers a request."""
        return "method" not in self.content and (
            "result" in self.content or "error" in self.content
        )

    @property
    def key(self) -> Key:
        """Which request it is, or answers."""
        return key_of(self.content.get("id"))

    @property
    def params(self) -> dict[str, Any]:
        """Its parameters by name."""
        return mapping(self.content.get("params"))

    @property
    def meta(self) -> dict[str, Any]:
        """The ``_meta`` of its parameters."""
        return mapping(self.params.get("_meta"))

    @property
    def is_modern(self) -> bool:
        """Whether a request says itself which revision it speaks: the stateless era."""
        return PROTOCOL_VERSION in self.meta


def mapping(value: Any) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def doubtful(content: dict[str, Any]) -> bool:
    """Whether a reader that does not tell great letters from small ones, as some languages' own do
    not, would understand this message otherwise: as another method, or as another tool."""
    params = mapping(content.get("params"))
    return _has_double(content, _FIELDS) or _has_double(params, _CALL_FIELDS)


def _has_double(content: dict[str, Any], fields: frozenset[str]) -> bool:
    return any(name not in fields and name.casefold() in fields for name in content)


def key_of(request_id: Any) -> Key:
    """A key for an id as JSON has it."""
    return (type(request_id).__name__, request_id if isinstance(request_id, str | int) else None)


def read(line: bytes) -> list[Message] | None:
    """The messages on a line: one, or those of a batch; None if it holds none.

    A batch that holds a tool call is taken apart; any other counts as one message that passes.
    """
    twice: list[str] = []
    try:
        found = json.loads(line, object_pairs_hook=lambda pairs: _object(pairs, twice))
    except (ValueError, RecursionError):
        return None
    if isinstance(found, dict):
        return [_message(line, found, anew=bool(twice))]
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        return None
    if any(one.get("method") == "tools/call" or doubtful(one) for one in found):
        return [_message(b"", one, anew=True) for one in found]
    return [Message(line, {})]


def _object(pairs: list[tuple[str, Any]], twice: list[str]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice.append("")
    return found


def _message(line: bytes, content: dict[str, Any], *, anew: bool) -> Message:
    """``anew``: a key stands twice, of which readers take this or that one; what is passed on then
    says only what was understood here."""
    return Message(encode(content) if anew else line, content)


def encode(content: dict[str, Any]) -> bytes:
    """A message's bytes."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )


def result(request: Message, content: dict[str, Any]) -> bytes:
    """A response of our own."""
    if request.is_modern:
        content = {"resultType": "complete", **content}
    return encode({"jsonrpc": "2.0", "id": request.content["id"], "result": content})


def failure(request_id: Any, code: int, said: str) -> bytes:
    """An error of our own."""
    error = {"code": code, "message": said}
    return encode({"jsonrpc": "2.0", "id": request_id, "error": error})


def notification(method: str, params: dict[str, Any]) -> bytes:
    """A notification of our own."""
    return encode({"jsonrpc": "2.0", "method": method, "params": params})


def texts(result: dict[str, Any]) -> Iterator[str]:
    """The texts of a tool's result."""
    content = result.get("content")
    for part in content if isinstance(content, list) else ():
        text = mapping(part).get("text")
        if isinstance(text, str):
            yield text
