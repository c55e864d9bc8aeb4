"""What a tool's answer tells of its cost, and of limits that it ran into."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeGuard

import msgspec

from ratelord_core.tool_mapping import PoolFacts
from ratelord_mcp.gateway.messages import mapping, texts

_LIMITED: Final = re.compile(
    r"""\b(?:http|status|code|error)\W{0,3}(?:code\W{0,3})?429\b
      | \b429\W{1,3}too\ many
      | \btoo\ many\ requests\b
      | \brate[ _-]?limit(?:ed|ing|\ (?:is\ |was\ |has\ been\ )?(?:exceeded|reached|hit))\b
      | \bexceed\w*\ [^.]{0,40}\b(?:rate\ limit|quota)\b
      | \bquota\ (?:has\ been\ |was\ |is\ )?(?:exceeded|exhausted)\b
      | \bresource_exhausted\b""",
    re.IGNORECASE | re.VERBOSE,
)
_AFTER: Final = re.compile(
    r"""(?:retry[ _-]?after|(?:try\ again|retry|wait|reset\w*)\ (?:in|for|after))\W{0,4}
        (?P<count>\d+(?:\.\d+)?)\s*(?P<unit>ms|milliseconds?|h\b|hours?|m\b|min\w*|s\b|sec\w*)?""",
    re.IGNORECASE | re.VERBOSE,
)
_UNITS: Final = {"ms": 0.001, "mi": 60.0, "m": 60.0, "h": 3600.0, "s": 1.0}
_LONGEST: Final = 31 * 86_400.0
_READ: Final = 20_000
"""Characters of an error that are looked at."""
_TOTAL: Final = ("total_tokens", "totalTokens", "tokens")
_PARTS: Final = (
    ("input_tokens", "output_tokens"),
    ("inputTokens", "outputTokens"),
    ("prompt_tokens", "completion_tokens"),
)
_DOLLARS: Final = ("cost_usd", "costUsd", "total_cost_usd")
_WAITS: Final = ("retry_after", "retryAfter", "retry_after_seconds", "retryAfterSeconds")


class Limited(msgspec.Struct, frozen=True):
    """A limit was met; ``retry_after`` in seconds, if it was told."""

    retry_after: float | None = None


def limit_in(answer: Mapping[str, Any]) -> Limited | None:
    """The limit that a response ran into, by what it says: an error of the protocol, or a tool's
    result that is one."""
    error = answer.get("error")
    if isinstance(error, dict):
        said = [str(error.get("message", "")), *_leaves(error.get("data"))]
        return _limit(said, (error, mapping(error.get("data"))))
    result = mapping(answer.get("result"))
    if result.get("isError") is not True:
        return None
    structured = mapping(result.get("structuredContent"))
    return _limit(texts(result), (structured, mapping(structured.get("error"))))


def _limit(said: Iterable[str], facts: Iterable[Mapping[str, Any]]) -> Limited | None:
    text, known = " ".join(said)[:_READ], list(facts)
    codes = {str(fact.get(name)) for fact in known for name in ("code", "status", "statusCode")}
    if "429" not in codes and "-429" not in codes and not _LIMITED.search(text):
        return None
    for fact in known:
        for name in _WAITS:
            wait = fact.get(name)
            if _is_number(wait) and 0 <= wait <= _LONGEST:
                return Limited(float(wait))
    return Limited(_wait_in(text))


def _wait_in(text: str) -> float | None:
    found = _AFTER.search(text)
    if found is None:
        return None
    unit = (found["unit"] or "s").lower()
    size = _UNITS["ms"] if unit.startswith(("ms", "milli")) else _UNITS[unit[0]]
    return min(float(found["count"]) * size, _LONGEST)


def _leaves(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [f"{key}: {inner}" for key, inner in value.items() if not isinstance(inner, dict)]
    return []


def costs_in(
    result: Mapping[str, Any],
    seconds: float,
    held: Iterable[str],
    pools: Mapping[str, PoolFacts],
) -> dict[str, float]:
    """What the result tells of the cost in each held pool: tokens and money from a ``usage``
    object, time from the clock. Pools of other units are not mentioned."""
    usage = _usage(result)
    found = {}
    for pool in held:
        cost = _cost(pools[pool].unit, usage, seconds) if pool in pools else None
        if cost is not None:
            found[pool] = cost
    return found


def _usage(result: Mapping[str, Any]) -> Mapping[str, Any]:
    places = (mapping(result.get("_meta")), mapping(result.get("structuredContent")))
    for place in places:
        for name, value in place.items():
            if name.rpartition("/")[2] == "usage" and isinstance(value, dict):
                return value
    return {}


def _cost(unit: str, usage: Mapping[str, Any], seconds: float) -> float | None:
    if unit == "seconds":
        return float(math.ceil(seconds))
    if unit == "tokens":
        return _tokens(usage)
    if unit == "microusd":
        exact = usage.get("cost_microusd")
        if _is_number(exact):
            return float(exact)
        dollars = next((usage[name] for name in _DOLLARS if _is_number(usage.get(name))), None)
        return None if dollars is None else float(dollars) * 1e6
    return None


def _tokens(usage: Mapping[str, Any]) -> float | None:
    for name in _TOTAL:
        if _is_number(usage.get(name)):
            return float(usage[name])
    for first, second in _PARTS:
        parts = [usage[name] for name in (first, second) if _is_number(usage.get(name))]
        if parts:
            return float(sum(parts))
    return None


def _is_number(value: Any) -> TypeGuard[float]:
    """Whether it can be an amount: finite, and not negative."""
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and value >= 0
    )
