"""A header dialect as data, and the one reader for all of them.

Header names come in lower case. A set of headers that contradicts itself or cannot be read tells
nothing at all: half a truth about a limit is worse than none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

import msgspec

from ratelord_core.headers.limit import NOTHING, UNREADABLE, RateLimit, Reading
from ratelord_core.headers.values import (
    parse_count,
    parse_duration,
    parse_moment,
    parse_reset,
    parse_retry_after,
    parse_rfc3339,
)
from ratelord_core.model.instant import DAY, Micros, from_seconds

ResetForm = Literal["number", "seconds", "duration", "rfc3339", "any"]
"""``number``: epoch seconds or milliseconds, or seconds from now, told apart by their size."""

FURTHEST: Final[Micros] = 32 * DAY
"""No provider's window is longer than a month: a reset that lies further ahead is a mistake."""


class Meter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The headers that tell one limit; "" = the dialect has none for that.

    ``ratio`` is a header such as ``32/40``: units used, and the limit. ``resource`` is what the
    limit is of ("" = the dialect's ``resource`` header says it, or nobody). ``every`` (µs) is the
    window's length where the dialect knows it.
    """

    resource: str = ""
    limit: str = ""
    remaining: str = ""
    used: str = ""
    reset: str = ""
    ratio: str = ""
    form: ResetForm = "number"
    every: Micros | None = None
    unit: str | None = None


class Dialect(msgspec.Struct, frozen=True):
    """A family of headers that are told, and believed, together. ``sign`` is a header without
    which it is not meant, where another dialect uses the same names."""

    name: str
    meters: tuple[Meter, ...]
    resource: str = ""
    sign: str = ""


def _seconds(text: str, now: Micros) -> Micros | None:
    wait = parse_retry_after(text, now) if text.strip()[:1].isdigit() else None
    return None if wait is None else now + from_seconds(min(wait, 1e9))


def _span(text: str, now: Micros) -> Micros | None:
    span = parse_duration(text)
    return _seconds(text, now) if span is None else now + span


_FORMS: Final[dict[str, Callable[[str, Micros], Micros | None]]] = {
    "number": parse_reset,
    "seconds": _seconds,
    "duration": _span,
    "rfc3339": lambda text, _now: parse_rfc3339(text),
    "any": parse_moment,
}


def read_dialect(
    dialect: Dialect, headers: Mapping[str, str], now: Micros, *, furthest: Micros = FURTHEST
) -> Reading:
    """What these headers tell in this dialect. A reset further than ``furthest`` from now is a
    mistake, as is whatever else makes no sense; one mistake silences the whole set.

    With nothing remaining, a ``retry-after`` that lies behind the reset moves the reset there.
    """
    limits: list[RateLimit] = []
    for meter in dialect.meters if not dialect.sign or dialect.sign in headers else ():
        found = _read(meter, headers, now, furthest)
        if found is UNREADABLE:
            return UNREADABLE
        limits += found.limits
    if not limits:
        return NOTHING
    named = headers.get(dialect.resource, "").strip() if dialect.resource else ""
    told = (_postponed(limit, headers, now) for limit in limits)
    return Reading(
        tuple(msgspec.structs.replace(limit, resource=limit.resource or named) for limit in told)
    )


def _read(meter: Meter, headers: Mapping[str, str], now: Micros, furthest: Micros) -> Reading:
    counts: dict[str, int | None] = {
        part: parse_count(headers[name])
        for part, name in (
            ("limit", meter.limit),
            ("remaining", meter.remaining),
            ("used", meter.used),
        )
        if name and name in headers
    }
    if meter.ratio and meter.ratio in headers:
        used, _, limit = headers[meter.ratio].partition("/")
        counts |= {"used": parse_count(used), "limit": parse_count(limit)}
    reset_at = None
    if meter.reset and meter.reset in headers:
        reset_at = _FORMS[meter.form](headers[meter.reset], now)
        if reset_at is None or reset_at > now + furthest:
            return UNREADABLE
    if None in counts.values():
        return UNREADABLE
    limit_, remaining = counts.get("limit"), counts.get("remaining")
    if limit_ is not None and remaining is not None and remaining > limit_:
        return UNREADABLE
    if not counts:
        return NOTHING
    told = RateLimit(
        limit_, remaining, counts.get("used"), reset_at, meter.resource, meter.every, meter.unit
    )
    return Reading((told,))


def _postponed(limit: RateLimit, headers: Mapping[str, str], now: Micros) -> RateLimit:
    if limit.remaining != 0 or limit.reset_at is None or "retry-after" not in headers:
        return limit
    wait = parse_retry_after(headers["retry-after"], now)
    later = max(limit.reset_at, now + from_seconds(min(wait or 0.0, 1e9)))
    return msgspec.structs.replace(limit, reset_at=later)


def x_ratelimit(prefix: str = "x-ratelimit-", name: str = "x-ratelimit") -> Dialect:
    """The dialect ``<prefix>{limit,remaining,used,reset,resource}``."""
    meter = Meter(
        limit=f"{prefix}limit",
        remaining=f"{prefix}remaining",
        used=f"{prefix}used",
        reset=f"{prefix}reset",
    )
    return Dialect(name, (meter,), f"{prefix}resource")


def read_x_ratelimit(
    headers: Mapping[str, str], now: Micros, prefix: str = "x-ratelimit-"
) -> RateLimit | None:
    """What the dialect ``<prefix>{limit,remaining,used,reset,resource}`` tells; None when nothing
    is said or any part is malformed or contradicts another. Resets are believed however far."""
    limits = read_dialect(x_ratelimit(prefix), headers, now, furthest=1 << 62).limits
    return limits[0] if limits else None
