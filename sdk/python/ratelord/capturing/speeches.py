"""The ways to speak of those who count tokens: OpenAI, Anthropic, Gemini; and all ways by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ratelord.capturing.github_speech import GITHUB
from ratelord.capturing.speech import Asked, Plain, Speech, Usage, read_json

BYTES_PER_TOKEN: Final = 4
"""A rule of thumb for text in English; estimates are corrected by what the response says."""
EXPECTED_OUTPUT: Final = 256
"""Tokens that a request without a maximum is expected to bring."""

_GEMINI_CALL = re.compile(r"/models/([^/:]+):(\w+)$")
_OPENAI_CALLS = ("/completions", "/responses", "/embeddings", "/images/generations")
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
_SECONDS = re.compile(r"(\d{1,9})(?:\.(\d+))?s")


class Counting(Plain):
    """Responses count tokens."""

    def read(self, body: bytes) -> Any:
        return read_json(body)


class Openai(Counting):
    """Chat completions, responses, embeddings, images; whoever speaks like it included."""

    name = "openai"

    def asked(self, method: str, path: str, content: Any) -> Asked | None:
        if method != "POST" or not path.endswith(_OPENAI_CALLS):
            return None
        model = _at(content, "model")
        deployment = re.search(r"/deployments/([^/]+)/", path)
        name = model if isinstance(model, str) else deployment[1] if deployment else ""
        said = [
            _at(content, key) for key in ("messages", "input", "prompt", "instructions", "tools")
        ]
        out = 0
        if path.endswith(("/completions", "/responses")):
            limits = ("max_completion_tokens", "max_output_tokens", "max_tokens")
            out = _most(content, limits) * max(1, _count(content, "n"))
        return Asked(name, _estimate(said), out)

    def used(self, pieces: Iterable[Any]) -> Usage | None:
        found = None
        for piece in pieces:
            usage = _at(piece, "usage") or _at(piece, "response", "usage")
            if isinstance(usage, dict):
                found = usage
        if found is None:
            return None
        start = "input" if "input_tokens" in found else "prompt"
        after = "output" if start == "input" else "completion"
        whole = _count(found, f"{start}_tokens")
        cached = min(whole, _count(_at(found, f"{start}_tokens_details"), "cached_tokens"))
        return Usage(whole - cached, cached, _count(found, f"{after}_tokens"))

    def flowed(self, pieces: Iterable[Any]) -> int:
        return sum(
            bool(_at(piece, "choices")) or str(_at(piece, "type") or "").endswith(".delta")
            for piece in pieces
        )

    def error(self, status: int, reason: str) -> Any:
        kind = "rate_limit_exceeded" if status == 429 else "server_error"
        return {"error": {"message": reason, "type": kind, "param": None, "code": kind}}


class Anthropic(Counting):
    """Messages."""

    name = "anthropic"

    def asked(self, method: str, path: str, content: Any) -> Asked | None:
        if method != "POST" or not path.endswith("/messages"):
            return None
        said = [_at(content, key) for key in ("system", "messages", "tools")]
        return Asked(
            str(_at(content, "model") or ""), _estimate(said), _most(content, ("max_tokens",))
        )

    def used(self, pieces: Iterable[Any]) -> Usage | None:
        counts: dict[str, int] = {}
        for piece in pieces:
            usage = _at(piece, "usage") or _at(piece, "message", "usage")
            if isinstance(usage, dict):
                counts |= {name: _count(usage, name) for name in usage}
        if not counts:
            return None
        fresh = counts.get("input_tokens", 0) + counts.get("cache_creation_input_tokens", 0)
        cached = counts.get("cache_read_input_tokens", 0)
        return Usage(fresh, cached, counts.get("output_tokens", 0))

    def flowed(self, pieces: Iterable[Any]) -> int:
        return sum(_at(piece, "type") == "content_block_delta" for piece in pieces)

    def error(self, status: int, reason: str) -> Any:
        kind = "rate_limit_error" if status == 429 else "overloaded_error"
        return {"type": "error", "error": {"type": kind, "message": reason}}


class Gemini(Counting):
    """generateContent, at Gemini and at Vertex AI."""

    name = "gemini"

    def asked(self, method: str, path: str, content: Any) -> Asked | None:
        call = _GEMINI_CALL.search(path)
        if method != "POST" or call is None:
            return None
        said = [_at(content, key) for key in ("contents", "systemInstruction", "tools", "requests")]
        out = 0
        if "enerateContent" in call[2]:
            out = _most(_at(content, "generationConfig"), ("maxOutputTokens",))
        return Asked(call[1], _estimate(said), out)

    def used(self, pieces: Iterable[Any]) -> Usage | None:
        found = None
        for piece in pieces:
            usage = _at(piece, "usageMetadata")
            if isinstance(usage, dict):
                found = usage
        if found is None:
            return None
        whole = _count(found, "promptTokenCount")
        cached = min(whole, _count(found, "cachedContentTokenCount"))
        output = _count(found, "candidatesTokenCount") + _count(found, "thoughtsTokenCount")
        return Usage(whole - cached, cached, output)

    def flowed(self, pieces: Iterable[Any]) -> int:
        return sum(bool(_at(piece, "candidates")) for piece in pieces)

    def told(self, content: Any) -> Mapping[str, str]:
        """``QuotaFailure`` and ``RetryInfo`` as ``RateLimit`` fields."""
        if isinstance(content, list) and content:
            content = content[0]
        details = _at(content, "error", "details")
        wait, broken = 0, []
        for detail in details if isinstance(details, list) else ():
            kind = str(_at(detail, "@type") or "").rpartition(".")[2]
            if kind == "RetryInfo":
                found = _SECONDS.fullmatch(str(_at(detail, "retryDelay")))
                wait = int(found[1]) + bool((found[2] or "").strip("0")) if found else 0
            if kind == "QuotaFailure" and isinstance(_at(detail, "violations"), list):
                broken += [one for one in detail["violations"] if _ID.fullmatch(_exceeded(one))]
        if not broken:
            return {"retry-after": str(wait)} if wait else {}
        limits = [
            f'"{_exceeded(one)}";q={value}'
            for one in broken
            if (value := str(_at(one, "quotaValue") or "")).isdigit()
        ]
        rates = [f'"{_exceeded(one)}";r=0;t={wait}' for one in broken]
        headers = {"ratelimit": ", ".join(rates), "retry-after": str(wait)}
        return {**headers, "ratelimit-policy": ", ".join(limits)} if limits else headers

    def error(self, status: int, reason: str) -> Any:
        kind = "RESOURCE_EXHAUSTED" if status == 429 else "UNAVAILABLE"
        return {"error": {"code": status, "message": reason, "status": kind, "details": []}}


PLAIN: Final[Speech] = Plain()
OPENAI: Final[Speech] = Openai()
ANTHROPIC: Final[Speech] = Anthropic()
GEMINI: Final[Speech] = Gemini()
SPEECHES: Final[Mapping[str, Speech]] = {
    one.name: one for one in (OPENAI, ANTHROPIC, GEMINI, GITHUB, PLAIN)
}
"""By the name of the provider plugin."""


def _exceeded(violation: Any) -> str:
    return str(_at(violation, "quotaId") or "")


def _at(content: Any, *path: str) -> Any:
    """What lies there, None if there is no such place."""
    for name in path:
        content = content.get(name) if isinstance(content, dict) else None
    return content


def _count(content: Any, name: str) -> int:
    value = _at(content, name)
    return value if type(value) is int and 0 <= value < 1 << 53 else 0


def _most(content: Any, names: Iterable[str]) -> int:
    """The maximum that a request sets, or what is to be expected."""
    return next((most for name in names if (most := _count(content, name))), EXPECTED_OUTPUT)


def _estimate(said: Iterable[Any]) -> int:
    """Tokens in these texts, whatever they are nested in; pictures and sounds are not looked at."""
    return -(-sum(_length(one) for one in said) // BYTES_PER_TOKEN)


def _length(content: Any) -> int:
    if isinstance(content, str):
        return 0 if content.startswith("data:") else len(content.encode(errors="replace"))
    if isinstance(content, list):
        return sum(_length(one) for one in content)
    if isinstance(content, dict):
        return sum(
            _length(one) for key, one in content.items() if key not in {"data", "role", "type"}
        )
    return 0
