"""The rate-limit header grammar that several providers share.

Header names come in lower case. A set of headers that contradicts itself or cannot be read tells
nothing at all: half a truth about a limit is worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

from ratelord_core.model.instant import SECOND, Micros, from_datetime, from_seconds
from ratelord_core.model.pool import MAX_UNITS

LATEST: Final[Micros] = 253_402_300_799 * SECOND
"""The end of the year 9999: nothing resets later."""
_EPOCH_SECONDS: Final = 100_000_000
"""A larger reset is an instant, a smaller one (up to three years) a number of seconds from now."""
_EPOCH_MILLIS: Final = 100_000_000_000
"""A larger reset is in milliseconds; as seconds it would lie after the year 5000."""

_COUNT = re.compile(r"(\d{1,16})(?:\.0+)?")
_SECONDS = re.compile(r"\d{1,15}(?:\.\d{1,9})?")


class RateLimit(msgspec.Struct, frozen=True):
    """What a consistent set of headers says of one resource ("" = unnamed); None = not said."""

    limit: int | None = None
    remaining: int | None = None
    used: int | None = None
    reset_at: Micros | None = None
    resource: str = ""


def parse_count(text: str) -> int | None:
    """Whole units from 0 to 2^53−1 (``5000.0`` is whole); None if the text is anything else."""
    found = _COUNT.fullmatch(text.strip()) if text.isascii() else None
    count = int(found.group(1)) if found else None
    return count if count is not None and count <= MAX_UNITS else None


def parse_reset(text: str, now: Micros) -> Micros | None:
    """The instant of a reset told as epoch seconds, epoch milliseconds or seconds from ``now``;
    rounded up to the next µs. None if it is none of these."""
    if not text.isascii() or _SECONDS.fullmatch(text.strip()) is None:
        return None
    number = float(text)
    if number < _EPOCH_SECONDS:
        return now + from_seconds(number)
    instant = from_seconds(number if number < _EPOCH_MILLIS else number / 1000)
    return instant if instant <= LATEST else None


def parse_http_date(text: str) -> Micros | None:
    """The instant of an HTTP date (RFC 9110, all three forms); None if it is not one."""
    try:
        moment = parsedate_to_datetime(text.strip())
        return max(0, from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=UTC)))
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def parse_retry_after(text: str, now: Micros) -> float | None:
    """The seconds that a ``Retry-After`` asks to wait, from a number or a date; a date gone by is
    0, anything malformed None."""
    stripped = text.strip()
    if stripped.isascii() and _SECONDS.fullmatch(stripped):
        return float(stripped)
    instant = parse_http_date(stripped)
    return None if instant is None else max(0, instant - now) / SECOND


def read_x_ratelimit(
    headers: Mapping[str, str], now: Micros, prefix: str = "x-ratelimit-"
) -> RateLimit | None:
    """The ``x-ratelimit-{limit,remaining,used,reset,resource}`` dialect; None when nothing is said
    or any part is malformed or contradicts another.

    With nothing remaining, a ``retry-after`` that lies behind the reset moves the reset there.
    """
    said = {
        name: headers[prefix + name]
        for name in ("limit", "remaining", "used", "reset")
        if prefix + name in headers
    }
    counts = {name: parse_count(text) for name, text in said.items() if name != "reset"}
    reset_at = parse_reset(said["reset"], now) if "reset" in said else None
    if not counts or None in counts.values() or ("reset" in said and reset_at is None):
        return None
    limit, remaining, used = (counts.get(name) for name in ("limit", "remaining", "used"))
    if limit is not None and remaining is not None and remaining > limit:
        return None
    if remaining == 0 and reset_at is not None and "retry-after" in headers:
        wait = parse_retry_after(headers["retry-after"], now)
        reset_at = max(reset_at, now + from_seconds(min(wait or 0.0, 1e9)))
    resource = headers.get(prefix + "resource", "").strip()
    return RateLimit(limit, remaining, used, reset_at, resource)
