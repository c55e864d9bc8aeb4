"""Anthropic's messages, with limits for requests, input tokens and output tokens.

Shapes: Anthropic's API reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ratelord_core.testing.enforcing.api import (
    EnforcingApi,
    Work,
    event,
    tokens_of,
    whole_seconds,
)
from ratelord_core.testing.enforcing.meter import Meter

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

_KINDS = {401: "authentication_error", 429: "rate_limit_error", 503: "overloaded_error"}


class EnforcingAnthropic(EnforcingApi):
    """``requests``, ``input_tokens`` and ``output_tokens`` per ``every`` seconds for each model.
    ``cached`` tokens of each prompt are read from the cache, and not counted."""

    def __init__(
        self,
        requests: int = 50,
        input_tokens: int = 40_000,
        output_tokens: int = 8000,
        every: float = 60.0,
    ) -> None:
        super().__init__(
            lambda: {
                "requests": Meter(requests, every),
                "input-tokens": Meter(input_tokens, every),
                "output-tokens": Meter(output_tokens, every),
            }
        )
        self.cached = 0

    def key(self, request: Request) -> str:
        return request.headers.get("x-api-key", "")

    def listing(self) -> object:
        model = {"type": "model", "id": "claude-x", "display_name": "X"}
        return {"data": [model], "has_more": False, "first_id": "claude-x", "last_id": "claude-x"}

    def work(self, request: Request, content: Any) -> Work:
        asked = [content.get("system", ""), content.get("messages", [])]
        stream = bool(content.get("stream"))
        tools = content.get("tools") or []
        tool = tools[0]["name"] if tools else ""
        return Work(content.get("model", ""), tokens_of(asked), content["max_tokens"], stream, tool)

    def units(self, work: Work) -> Mapping[str, int]:
        counted = max(0, work.tokens_in - self.cached)
        return {"requests": 1, "input-tokens": counted, "output-tokens": work.tokens_out}

    def limits(self, model: str) -> Mapping[str, str]:
        told = {"request-id": "req_1"}
        for name, meter in self.of(model).items():
            start = f"anthropic-ratelimit-{name}"
            full = datetime.now(UTC) + timedelta(seconds=meter.until(meter.limit))
            told[f"{start}-limit"] = str(meter.limit)
            told[f"{start}-remaining"] = str(meter.remaining)
            told[f"{start}-reset"] = full.strftime("%Y-%m-%dT%H:%M:%SZ")
        return told

    def refuse(self, model: str, short: Mapping[str, float]) -> Response:
        told = {**self.limits(model), "retry-after": whole_seconds(max(short.values()))}
        return self.error(429, "rate_limit_error", told)

    def error(self, status: int, code: str, told: Mapping[str, str]) -> Response:
        kind = _KINDS.get(status, "invalid_request_error")
        said = {"type": "error", "error": {"type": kind, "message": f"{code} (simulated)"}}
        return self.respond(status, said, told)

    def whole(self, request: Request, work: Work) -> object:
        block: dict[str, Any] = {"type": "text", "text": "word " * work.tokens_out}
        if work.tool:
            block = {**_tool_use(work.tool), "input": {"place": "here"}}
        told = {"content": [block], "stop_reason": _reason(work), "stop_sequence": None}
        return {**_message(work), **told, "usage": self._usage(work, work.tokens_out)}

    def _usage(self, work: Work, output: int) -> dict[str, int]:
        cached = min(self.cached, work.tokens_in)
        return {
            "input_tokens": work.tokens_in - cached,
            "cache_read_input_tokens": cached,
            "cache_creation_input_tokens": 0,
            "output_tokens": output,
        }

    def pieces(self, request: Request, work: Work) -> Iterable[bytes]:
        opened = {**_message(work), "content": [], "stop_reason": None, "stop_sequence": None}
        start = {"type": "message_start", "message": {**opened, "usage": self._usage(work, 1)}}
        yield event(start, "message_start")
        block: dict[str, Any] = {"type": "text", "text": ""}
        deltas: list[dict[str, Any]] = [{"type": "text_delta", "text": "word "}] * work.tokens_out
        if work.tool:
            block = {**_tool_use(work.tool), "input": {}}
            deltas = [{"type": "input_json_delta", "partial_json": '{"place": "here"}'}]
        yield event(
            {"type": "content_block_start", "index": 0, "content_block": block},
            "content_block_start",
        )
        for delta in deltas:
            yield event(
                {"type": "content_block_delta", "index": 0, "delta": delta}, "content_block_delta"
            )
        yield event({"type": "content_block_stop", "index": 0}, "content_block_stop")
        end = {"stop_reason": _reason(work), "stop_sequence": None}
        usage = {"output_tokens": work.tokens_out}
        yield event({"type": "message_delta", "delta": end, "usage": usage}, "message_delta")
        yield event({"type": "message_stop"}, "message_stop")


def _message(work: Work) -> dict[str, Any]:
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": work.model}


def _tool_use(name: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": "toolu_1", "name": name}


def _reason(work: Work) -> str:
    return "tool_use" if work.tool else "max_tokens"
