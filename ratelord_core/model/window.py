"""How a pool's capacity comes back: the six kinds of window."""

from __future__ import annotations

from typing import Literal

import msgspec

from ratelord_core.model.instant import Micros

WindowKind = Literal["fixed", "calendar", "sliding", "bucket", "concurrency", "unbounded"]
CalendarUnit = Literal["hour", "day", "week", "month"]


class Window(msgspec.Struct, frozen=True, omit_defaults=True):
    """The rule by which a pool refills.

    ``every`` is the length W in µs: of a fixed window (None = unknown, only the next reset can be
    known), of the trailing sliding window, of the time in which a bucket refills its limit.
    ``anchor`` is one known reset of a fixed window. ``unit`` and ``timezone`` (IANA) belong to
    ``calendar``, ``burst`` (units, default: the limit) to ``bucket``.
    """

    kind: WindowKind
    every: Micros | None = None
    anchor: Micros | None = None
    unit: CalendarUnit | None = None
    timezone: str = "UTC"
    burst: int | None = None
