"""Results as models get them: compact JSON, and refusals in one line with the next step."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from mcp import types

from ratelord_core.errors import InvalidRequest, RatelordError, Unavailable

_encode = msgspec.json.Encoder().encode
UNFORESEEN: Final = "something went wrong inside ratelord; it logged it and goes on: try again"


def answer(record: msgspec.Struct) -> types.CallToolResult:
    """A record as a tool's result; the text is the JSON of the structured content."""
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=_encode(record).decode())],
        structured_content=msgspec.to_builtins(record),
    )


def refusal(error: RatelordError, shown: dict[str, str] | None = None) -> types.CallToolResult:
    """A refusal that the model can act on: one line, no traceback, nothing private."""
    line = "; ".join(str(error).splitlines()) or error.code
    if isinstance(error, InvalidRequest) and shown:
        line = ". ".join(filter(None, (line, next_step(error, shown))))
    if isinstance(error, Unavailable):
        line = f"{line} (do not act; ask again in {error.retry_after:g} s)"
    return mistake(line)


def mistake(line: str) -> types.CallToolResult:
    """A result that the model is to put right."""
    return types.CallToolResult(is_error=True, content=[types.TextContent(type="text", text=line)])


def next_step(error: InvalidRequest, hints: dict[str, str]) -> str:
    """What the wrong fields mean, in the tool's own words."""
    named = [fault.field for fault in error.fields if fault.field in hints]
    return "; ".join(f"{name} is {hints[name]}" for name in named[:3])


def fields(record: Any) -> dict[str, Any]:
    """A record as plain values."""
    plain: dict[str, Any] = msgspec.to_builtins(record)
    return plain
