"""How a provider's calls look from outside: what is asked, what it used, how it says no."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import msgspec

from ratelord.decision import Decision


class Asked(msgspec.Struct, frozen=True):
    """What a request is, as far as it can be seen: tokens are estimates; ``pool`` is the one pool
    of the provider that it draws from, if it says so."""

    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    pool: str = ""


class Usage(msgspec.Struct, frozen=True):
    """Tokens that a call used; ``fresh`` are those of the input that no cache had. A provider that
    counts something else tells the units by ``pools``, and no tokens."""

    fresh: int = 0
    cached: int = 0
    output: int = 0
    pools: tuple[tuple[str, int], ...] = ()

    def costs(self, provider_id: str) -> dict[str, float]:
        """The units, named as pools of the call's model and as what the price list counts."""
        if self.pools:
            return {f"{provider_id}/{name}": float(units) for name, units in self.pools}
        counted = {
            "tokens": self.fresh + self.cached + self.output,
            "input_tokens": self.fresh,
            "cached_tokens": self.cached,
            "output_tokens": self.output,
        }
        return {f"{provider_id}/{name}": float(units) for name, units in counted.items()}


class Refusal(msgspec.Struct, frozen=True):
    """A "no" in the provider's own shape."""

    status: int
    headers: dict[str, str]
    body: bytes


def read_json(body: bytes) -> Any:
    """What a body says; None if it is no JSON."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


class Speech(Protocol):
    """One provider's way to speak. Nothing here does I/O, and nothing may fail for strange
    content: what is not understood is not counted."""

    @property
    def name(self) -> str:
        """The provider plugin it belongs to."""
        ...

    def asked(self, method: str, path: str, content: Any) -> Asked | None:
        """What a request asks for; None if it is none that counts. ``content`` is its JSON."""
        ...

    def read(self, body: bytes) -> Any:
        """What ``used`` and ``told`` look at of a response's JSON; None if there is nothing."""
        ...

    def used(self, pieces: Iterable[Any]) -> Usage | None:
        """What a response used, from what was read of it, or from all events of its stream."""
        ...

    def flowed(self, pieces: Iterable[Any]) -> int:
        """About how many tokens a stream brought that was given up before it said so."""
        ...

    def told(self, content: Any) -> Mapping[str, str]:
        """What the body of a refusal tells of limits, as headers."""
        ...

    def error(self, status: int, reason: str) -> Any:
        """The body of a refusal."""
        ...


class Plain:
    """A call is a request, whatever it says."""

    name = "headers"

    def asked(self, method: str, path: str, content: Any) -> Asked | None:
        return Asked(model=str(content.get("model") or "") if isinstance(content, dict) else "")

    def read(self, body: bytes) -> Any:
        return None

    def used(self, pieces: Iterable[Any]) -> Usage | None:
        return None

    def flowed(self, pieces: Iterable[Any]) -> int:
        return 0

    def told(self, content: Any) -> Mapping[str, str]:
        return {}

    def error(self, status: int, reason: str) -> Any:
        return {"error": reason}


def refusal(speech: Speech, decision: Decision) -> Refusal:
    """A denial, as the provider would have said it: 429 (503 without a daemon), with
    ``Retry-After`` and ``RateLimit`` fields where it is known when to come back."""
    headers = {"content-type": "application/json", "x-ratelord-reason": decision.reason_code}
    wait = decision.retry_after_seconds
    if wait is None:
        headers["x-should-retry"] = "false"
    else:
        seconds = max(1, math.ceil(wait))
        headers["retry-after"] = str(seconds)
        pool = decision.evaluation.tightest_pool if decision.evaluation else None
        headers["ratelimit"] = f'"{pool or speech.name}";r=0;t={seconds}'
    status = 503 if decision.synthetic else 429
    body = msgspec.json.encode(speech.error(status, f"ratelord: {decision.reason}"))
    return Refusal(status, headers, body)
