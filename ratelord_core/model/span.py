"""Spans as people write them: ``30s``, ``1h30m``, ``250ms``, ``2d``, or plain seconds."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Final

from ratelord_core.model.instant import DAY, HOUR, MINUTE, SECOND, Micros

MAX_SPAN: Final[Micros] = 36_525 * DAY
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
_SECONDS = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]{1,3})?")
_PART = r"([0-9]+(?:\.[0-9]+)?)(us|µs|ms|s|m|h|d|w)"
_PARTS = re.compile(f"(?:{_PART})+")
_LONGEST = 60
"""Characters; nobody writes more, and a number that long would take long to read."""


def parse_span(value: object) -> Micros:
    """The µs that a text with units, or a number of seconds, stands for; fractions round up.

    Anything else (negative, not finite, longer than a century, a bare word) is a ``ValueError``
    that shows the value and what would be right.
    """
    exact = _from_number(value) if isinstance(value, int | float) else _from_text(value)
    if exact is None or not 0 <= exact <= MAX_SPAN:
        raise ValueError(f"{value!r} is not a duration; write one like 30s, 1h30m or 0.5 (seconds)")
    return math.ceil(exact)


def _from_number(seconds: float) -> Decimal | None:
    if isinstance(seconds, bool) or not abs(seconds) <= MAX_SPAN:  # nan is not, either
        return None
    return Decimal(str(seconds)) * SECOND  # as it is written: 4.35 is no 4.3499999999999996


def _from_text(value: object) -> Decimal | None:
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    text = value.strip().lower()
    if _SECONDS.fullmatch(text):
        return Decimal(text) * SECOND
    if not _PARTS.fullmatch(text):
        return None
    parts = re.findall(_PART, text)
    return sum((Decimal(count) * _UNITS[unit] for count, unit in parts), Decimal(0))
