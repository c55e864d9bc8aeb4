"""OpenAI's chat completions, responses and embeddings, with limits for requests and tokens.

Shapes: OpenAI's API reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ratelord_core.testing.enforcing.api import EnforcingApi, Work, event, tokens_of
from ratelord_core.testing.enforcing.meter import Meter

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

DEFAULT_TOKENS = 16


class EnforcingOpenai(EnforcingApi):
    """``requests`` and ``tokens`` per ``every`` seconds for each model. ``no_credit`` refuses
    everything as an account without credit is refused; ``cached`` tokens of each prompt count as
    read from the cache."""

    def __init__(self, requests: int = 100, tokens: int = 100_000, every: float = 60.0) -> None:
        super().__init__(
            lambda: {"requests": Meter(requests, every), "tokens": Meter(tokens, every)}
        )
        self.no_credit = False
        self.cached = 0

    def listing(self) -> object:
        model = {"id": "gpt-x", "object": "model", "created": 1_700_000_000, "owned_by": "openai"}
        return {"object": "list", "data": [model]}

    def work(self, request: Request, content: Any) -> Work:
        asked = content.get("messages", content.get("input", ""))
        out = 0
        if not request.url.path.endswith("/embeddings"):
            names = ("max_completion_tokens", "max_output_tokens", "max_tokens")
            out = next((content[name] for name in names if content.get(name)), DEFAULT_TOKENS)
        tools = content.get("tools") or []
        return Work(
            content.get("model", ""),
            tokens_of(asked),
            out,
            bool(content.get("stream")),
            tools[0]["function"]["name"] if tools else "",
            bool((content.get("stream_options") or {}).get("include_usage")),
        )

    def units(self, work: Work) -> Mapping[str, int]:
        return {"requests": 1, "tokens": work.tokens_in + work.tokens_out}

    def limits(self, model: str) -> Mapping[str, str]:
        told = {"openai-organization": "org-example", "openai-model": model}
        for name, meter in self.of(model).items():
            told[f"x-ratelimit-limit-{name}"] = str(meter.limit)
            told[f"x-ratelimit-remaining-{name}"] = str(meter.remaining)
            told[f"x-ratelimit-reset-{name}"] = _duration(meter.until(meter.limit))
        return told

    def _work(self, request: Request, work: Work) -> Response:
        if self.no_credit:
            return self.error(429, "insufficient_quota", {})
        return super()._work(request, work)

    def refuse(self, model: str, short: Mapping[str, float]) -> Response:
        wait = max(short.values())
        told = {**self.limits(model), "retry-after-ms": str(int(wait * 1000) + 1)}
        return self.error(429, "rate_limit_exceeded", told)

    def error(self, status: int, code: str, told: Mapping[str, str]) -> Response:
        kind = "requests" if status == 429 else "invalid_request_error"
        said = {"message": f"{code} (simulated)", "type": kind, "param": None, "code": code}
        if code == "insufficient_quota":
            said["type"] = code
        return self.respond(status, {"error": said}, told)

    def whole(self, request: Request, work: Work) -> object:
        if request.url.path.endswith("/embeddings"):
            usage = {"prompt_tokens": work.tokens_in, "total_tokens": work.tokens_in}
            data = [{"object": "embedding", "index": 0, "embedding": [0.0, 1.0]}]
            return {"object": "list", "data": data, "model": work.model, "usage": usage}
        if request.url.path.endswith("/responses"):
            return _response(work, self._usage(work, "input", "output"))
        message: dict[str, Any] = {"role": "assistant", "content": "word " * work.tokens_out}
        if work.tool:
            message |= {"content": None, "tool_calls": [_tool_call(work.tool)]}
        reason = "tool_calls" if work.tool else "length"
        choice = {"index": 0, "message": message, "finish_reason": reason}
        return {
            **_chat(work, "chat.completion"),
            "choices": [choice],
            "usage": self._usage(work, "prompt", "completion"),
        }

    def _usage(self, work: Work, before: str, after: str) -> dict[str, Any]:
        return {
            f"{before}_tokens": work.tokens_in,
            f"{after}_tokens": work.tokens_out,
            "total_tokens": work.tokens_in + work.tokens_out,
            f"{before}_tokens_details": {"cached_tokens": min(self.cached, work.tokens_in)},
            f"{after}_tokens_details": {"reasoning_tokens": 0},
        }

    def pieces(self, request: Request, work: Work) -> Iterable[bytes]:
        if request.url.path.endswith("/responses"):
            yield from self._response_pieces(work)
            return
        chunk = _chat(work, "chat.completion.chunk")
        said: list[dict[str, Any]] = [{"content": "word "}] * work.tokens_out
        if work.tool:
            said = [{"tool_calls": [{"index": 0, **_tool_call(work.tool)}]}]
        for one in said:
            delta = {"index": 0, "delta": one, "finish_reason": None}
            yield event({**chunk, "choices": [delta]})
        reason = "tool_calls" if work.tool else "stop"
        yield event({**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
        if work.counts:
            yield event(
                {**chunk, "choices": [], "usage": self._usage(work, "prompt", "completion")}
            )
        yield b"data: [DONE]\n\n"

    def _response_pieces(self, work: Work) -> Iterable[bytes]:
        for number in range(work.tokens_out):
            delta = {"type": "response.output_text.delta", "delta": "word ", "item_id": "msg_1"}
            place = {"output_index": 0, "content_index": 0, "sequence_number": number}
            yield event({**delta, **place}, "response.output_text.delta")
        done = _response(work, self._usage(work, "input", "output"))
        said = {"type": "response.completed", "response": done, "sequence_number": work.tokens_out}
        yield event(said, "response.completed")


def _chat(work: Work, kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1_700_000_000, "model": work.model}


def _tool_call(name: str) -> dict[str, Any]:
    called = {"name": name, "arguments": '{"place": "here"}'}
    return {"id": "call_1", "type": "function", "function": called}


def _response(work: Work, usage: dict[str, Any]) -> dict[str, Any]:
    text = {"type": "output_text", "text": "word " * work.tokens_out, "annotations": []}
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_700_000_000,
        "model": work.model,
        "status": "completed",
        "output": [{**message, "content": [text]}],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage,
    }


def _duration(seconds: float) -> str:
    millis = int(seconds * 1000)
    if millis < 1000:
        return f"{millis}ms"
    minutes, rest = divmod(millis / 1000, 60)
    return f"{int(minutes)}m{rest:.3f}s" if minutes else f"{rest:.3f}s"
