"""What GitHub's answers mean: limits from a good one, a named failure from any other.

Sources: GitHub's REST reference, "Rate limit", and its guide "Rate limits for the REST API".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ratelord_core.errors import ProviderFailed
from ratelord_core.headers import RateLimit, parse_retry_after, read_x_ratelimit
from ratelord_core.model.ids import is_id
from ratelord_core.model.instant import DAY, SECOND, Micros
from ratelord_core.model.pool import MAX_UNITS

SECONDARY_WAIT: Final = 60.0
"""Seconds to wait after a secondary limit that names no time: at least a minute, GitHub asks."""
MAX_RESOURCES: Final = 200
FARTHEST: Final[Micros] = DAY
"""No window of GitHub's is longer than an hour: a reset further ahead than this is a mistake."""


class _Resource(msgspec.Struct):
    limit: int
    remaining: int
    reset: int
    used: int | None = None


class _Answer(msgspec.Struct):
    resources: dict[str, msgspec.Raw]


def read_limits(body: bytes, now: Micros) -> tuple[RateLimit, ...]:
    """The limit of every resource in the body of ``GET /rate_limit``, resets on GitHub's clock,
    where it is ``now``.

    A resource that makes no sense is left out whole; if none makes sense, or the body is something
    else, ``ProviderFailed`` of kind ``malformed``.
    """
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except msgspec.MsgspecError:
        raise ProviderFailed(
            "malformed", "the answer holds no resources; is enterprise_url a GitHub server?"
        ) from None
    found = [_read_resource(name, raw, now) for name, raw in list(answer.resources.items())]
    limits = tuple(limit for limit in found[:MAX_RESOURCES] if limit is not None)
    if not limits:
        raise ProviderFailed("malformed", "no resource in the answer has a limit that makes sense")
    return limits


def _read_resource(name: str, raw: msgspec.Raw, now: Micros) -> RateLimit | None:
    try:
        told = msgspec.json.decode(raw, type=_Resource)
    except msgspec.MsgspecError:
        return None
    counts = (told.limit, told.remaining, told.used or 0)
    if not is_id(name) or not all(0 <= count <= MAX_UNITS for count in counts):
        return None
    reset_at = told.reset * SECOND
    if told.remaining > told.limit or not 0 < reset_at <= now + FARTHEST:
        return None
    return RateLimit(told.limit, told.remaining, told.used, reset_at, name)


def limits_are_off(status: int, body: bytes) -> bool:
    """Whether this is how an Enterprise Server says that it limits nobody."""
    return status == 404 and "rate limiting is not enabled" in _message(body).lower()


def failure_of(status: int, headers: Mapping[str, str], body: bytes, now: Micros) -> ProviderFailed:
    """What an answer that is no success means. ``now`` is GitHub's instant, for its resets."""
    said = _message(body)
    detail = f"GitHub answered {status}" + (f": {said}" if said else "")
    wait = _wait(headers, now)
    if status == 401:
        return ProviderFailed("unauthorized", f"{detail}; check the token", wait)
    if status == 429 or (status == 403 and (wait is not None or "rate limit" in said.lower())):
        return ProviderFailed("rate_limited", detail, SECONDARY_WAIT if wait is None else wait)
    if status == 403:
        return ProviderFailed("forbidden", f"{detail}; check what the token may do")
    if status >= 500:
        return ProviderFailed("server_error", detail, wait)
    return ProviderFailed("malformed", f"{detail}; check enterprise_url and api_version", wait)


def _wait(headers: Mapping[str, str], now: Micros) -> float | None:
    """The seconds that GitHub asks to wait: ``retry-after``, or the reset once nothing remains."""
    if "retry-after" in headers:
        wait = parse_retry_after(headers["retry-after"], now)
        if wait is not None:
            return wait
    limits = read_x_ratelimit(headers, now)
    if limits is None or limits.remaining != 0 or limits.reset_at is None:
        return None
    return max(0, limits.reset_at - now) / SECOND


def _message(body: bytes) -> str:
    """The sentence that GitHub puts into its errors, if there is one."""
    try:
        content: Any = msgspec.json.decode(body)
    except msgspec.MsgspecError:
        return ""
    said = content.get("message") if isinstance(content, dict) else None
    return " ".join(said.split())[:200] if isinstance(said, str) else ""
