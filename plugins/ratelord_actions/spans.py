"""Lengths of time among parameters: a text like ``1h30m``, or seconds."""

from __future__ import annotations

from typing import Annotated

import msgspec

from ratelord_core.model.instant import Micros, from_seconds
from ratelord_core.model.span import parse_span

LONGEST_SECONDS = 366 * 86_400
"""The longest wait that a rule may ask for: a year."""

Seconds = Annotated[float, msgspec.Meta(ge=0, le=LONGEST_SECONDS)]
Span = Seconds | str


def micros(span: float | str) -> Micros:
    """A length of time in µs. Raises ``ValueError`` for a text that is none."""
    if not isinstance(span, str):
        return from_seconds(span)
    try:
        return parse_span(span)
    except ValueError:
        hint = "write 30s, 5m, 24h or 7d"
        raise ValueError(f"{span!r} is not a length of time; {hint}") from None
