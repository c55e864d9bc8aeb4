"""Gemini's generateContent, whose refusals say in their body what was exceeded.

Shapes: Gemini's API reference; google.rpc ``error_details.proto``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ratelord_core.testing.enforcing.api import EnforcingApi, Work, event, tokens_of
from ratelord_core.testing.enforcing.meter import Meter

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

_IDS = {
    "requests": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier",
    "input_tokens": "GenerateContentInputTokensPerModelPerMinute-FreeTier",
}
_STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED"}


class EnforcingGemini(EnforcingApi):
    """``requests`` and ``input_tokens`` per ``every`` seconds for each model."""

    def __init__(
        self, requests: int = 15, input_tokens: int = 250_000, every: float = 60.0
    ) -> None:
        super().__init__(
            lambda: {"requests": Meter(requests, every), "input_tokens": Meter(input_tokens, every)}
        )

    def key(self, request: Request) -> str:
        return request.headers.get("x-goog-api-key", "") or super().key(request)

    def listing(self) -> object:
        return {"models": [{"name": "models/gemini-x", "inputTokenLimit": 1_048_576}]}

    def work(self, request: Request, content: Any) -> Work:
        place = request.url.path.rpartition("/models/")[2]
        model, _, method = place.partition(":")
        out = (content.get("generationConfig") or {}).get("maxOutputTokens", 16)
        stream = method.startswith("stream")
        return Work(model, tokens_of(content.get("contents", [])), out, stream)

    def units(self, work: Work) -> Mapping[str, int]:
        return {"requests": 1, "input_tokens": work.tokens_in}

    def limits(self, model: str) -> Mapping[str, str]:
        return {}

    def refuse(self, model: str, short: Mapping[str, float]) -> Response:
        place = {"location": "global", "model": model}
        violations = [
            {
                "quotaMetric": f"generativelanguage.googleapis.com/generate_content_{name}",
                "quotaId": _IDS[name],
                "quotaDimensions": place,
                "quotaValue": str(self.of(model)[name].limit),
            }
            for name in short
        ]
        start = "type.googleapis.com/google.rpc."
        details = [
            {"@type": f"{start}QuotaFailure", "violations": violations},
            {"@type": f"{start}RetryInfo", "retryDelay": f"{max(short.values()):.3f}s"},
        ]
        return self._said(429, "exceeded (simulated)", details)

    def error(self, status: int, code: str, told: Mapping[str, str]) -> Response:
        return self._said(status, f"{code} (simulated)", [])

    def _said(self, status: int, message: str, details: list[Any]) -> Response:
        name = _STATUS.get(status, "UNAVAILABLE")
        said = {"code": status, "message": message, "status": name, "details": details}
        return self.respond(status, {"error": said}, {})

    def whole(self, request: Request, work: Work) -> object:
        return _answer(work, "word " * work.tokens_out, work.tokens_out)

    def pieces(self, request: Request, work: Work) -> Iterable[bytes]:
        for count in range(1, work.tokens_out + 1):
            yield event(_answer(work, "word ", count))


def _answer(work: Work, text: str, tokens_out: int) -> dict[str, Any]:
    content = {"parts": [{"text": text}], "role": "model"}
    return {
        "candidates": [{"content": content, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {
            "promptTokenCount": work.tokens_in,
            "candidatesTokenCount": tokens_out,
            "totalTokenCount": work.tokens_in + tokens_out,
        },
        "modelVersion": work.model,
    }
