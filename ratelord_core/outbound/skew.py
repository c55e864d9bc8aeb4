"""How far a provider's clock is from ours, by the ``Date`` of what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from ratelord_core.headers import RateLimit, parse_http_date
from ratelord_core.model.instant import SECOND, Micros

TOLERATED: Final[Micros] = 2 * SECOND
"""A ``Date`` is in whole seconds and was written some time before it is read: a smaller difference
of the clocks is none."""


def ahead_by(headers: Mapping[str, str], known: Micros, sent: Micros, received: Micros) -> Micros:
    """By how much (µs, negative: behind) the provider's clock is ahead of ours, if an answer with
    these headers came between ``sent`` and ``received``.

    ``known`` stays as long as the answer does not contradict it. Otherwise it is the least that
    explains the answer: then a reset that the provider tells by its own clock is, on ours, never
    too early.
    """
    date = parse_http_date(headers.get("date", ""))
    if date is None:
        return known
    least, most = date - received, date + SECOND - sent
    return known if least - TOLERATED <= known <= most + TOLERATED else least


def on_our_clock(limit: RateLimit, ahead: Micros) -> RateLimit:
    """The limit with its reset as our clock will show it."""
    if limit.reset_at is None or not ahead:
        return limit
    return replace(limit, reset_at=max(0, limit.reset_at - ahead))
