"""The values of rate-limit headers: amounts, resets and waits, in every form that providers use."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Final

from ratelord_core.model.instant import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Micros,
    from_datetime,
    from_seconds,
)
from ratelord_core.model.pool import MAX_UNITS

LATEST: Final[Micros] = 253_402_300_799 * SECOND
"""The end of the year 9999: nothing resets later."""
_EPOCH_SECONDS: Final = 100_000_000
"""A larger reset is an instant, a smaller one (up to three years) a number of seconds from now."""
_EPOCH_MILLIS: Final = 100_000_000_000
"""A larger reset is in milliseconds; as seconds it would lie after the year 5000."""

_COUNT = re.compile(r"(\d{1,16})(?:\.0+)?")
_SECONDS = re.compile(r"\d{1,15}(?:\.\d{1,9})?")
_PART = r"(\d{1,9}(?:\.\d{1,9})?)(ms|us|µs|ns|s|m|h|d)"
_DURATION = re.compile(f"(?:{_PART})+")
_UNITS: Final[dict[str, Decimal]] = {
    "ns": Decimal("0.001"),
    "us": Decimal(1),
    "µs": Decimal(1),
    "ms": Decimal(1000),
    "s": Decimal(SECOND),
    "m": Decimal(MINUTE),
    "h": Decimal(HOUR),
    "d": Decimal(DAY),
}
_LONGEST_TEXT: Final = 64


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


def parse_duration(text: str) -> Micros | None:
    """A span such as ``6m0s``, ``1.5s``, ``120ms`` or ``1h2m3s``, rounded up; None for anything
    else, a bare number included."""
    stripped = text.strip()
    if len(stripped) > _LONGEST_TEXT or not _DURATION.fullmatch(stripped):
        return None
    exact = sum(
        (Decimal(count) * _UNITS[unit] for count, unit in re.findall(_PART, stripped)), Decimal(0)
    )
    return int(exact.to_integral_value(rounding="ROUND_CEILING"))


def parse_rfc3339(text: str) -> Micros | None:
    """The instant of an RFC 3339 timestamp with its zone; None if it is not one."""
    stripped = text.strip()
    if len(stripped) > _LONGEST_TEXT or "T" not in stripped.upper():
        return None
    try:
        return max(0, from_datetime(datetime.fromisoformat(stripped)))
    except (ValueError, OverflowError):
        return None


def parse_moment(text: str, now: Micros) -> Micros | None:
    """The instant of a reset in whatever form: a number, a span, RFC 3339 or an HTTP date."""
    found = parse_reset(text, now)
    if found is not None:
        return found
    span = parse_duration(text)
    if span is not None:
        return now + span
    found = parse_rfc3339(text)
    return parse_http_date(text) if found is None else found


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
