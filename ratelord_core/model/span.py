"""Spans as people write them: ``30s``, ``1h30m``, ``250ms``, ``2d``, or plain seconds."""

from __future__ import annotations

import math
import re
from typing import Final

from ratelord_core.model.instant import DAY, HOUR, MINUTE, SECOND, Micros, from_seconds

MAX_SPAN: Final[Micros] = 100 * 366 * DAY
"""No span that anybody means is longer than a century."""

_UNITS: Final[dict[str, Micros]] = {
    "us": 1,
    "µs": 1,
    "ms": 1000,
    "s": SECOND,
    "m": MINUTE,
    "h": HOUR,
    "d": DAY,
    "w": 7 * DAY,
}
_PART = re.compile(r"(\d{1,12})(?:\.(\d{1,6}))?(us|µs|ms|s|m|h|d|w)")


def parse_span(value: object) -> Micros:
    """The µs that a text with units, or a number of seconds, stands for; fractions round up.

    Anything else (negative, not finite, longer than a century, a bare word) is a ``ValueError``
    that shows the value and what would be right.
    """
    span = _from_number(value) if isinstance(value, int | float) else _from_text(value)
    if span is None or not 0 <= span <= MAX_SPAN:
        raise ValueError(f"{value!r} is not a duration; write one like 30s, 1h30m or 0.5 (seconds)")
    return span


def _from_number(value: float) -> Micros | None:
    if isinstance(value, bool) or not math.isfinite(value) or abs(value) > MAX_SPAN // SECOND:
        return None
    return from_seconds(value)


def _from_text(value: object) -> Micros | None:
    if not isinstance(value, str):
        return None
    text = value.strip().lower()
    if re.fullmatch(r"\d{1,12}(\.\d{1,6})?", text):
        return from_seconds(float(text))
    parts = list(_PART.finditer(text))
    if not parts or "".join(part.group(0) for part in parts) != text:
        return None
    return sum(_part(part.group(1), part.group(2) or "", part.group(3)) for part in parts)


def _part(whole: str, fraction: str, unit: str) -> Micros:
    scale = int("1" + "0" * len(fraction))
    return -(-int(whole + fraction) * _UNITS[unit] // scale)
