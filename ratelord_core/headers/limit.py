"""What headers say of one limit, and what reading them came to."""

from __future__ import annotations

import msgspec

from ratelord_core.model.instant import Micros


class RateLimit(msgspec.Struct, frozen=True):
    """What a consistent set of headers says of one resource ("" = unnamed); None = not said.
    ``every`` is the window's length in µs."""

    limit: int | None = None
    remaining: int | None = None
    used: int | None = None
    reset_at: Micros | None = None
    resource: str = ""
    every: Micros | None = None
    unit: str | None = None


class Reading(msgspec.Struct, frozen=True):
    """The limits that a response told. ``malformed``: it meant to tell some, but what it said
    cannot be read or contradicts itself, so that all of it is ignored."""

    limits: tuple[RateLimit, ...] = ()
    malformed: bool = False


NOTHING = Reading()
UNREADABLE = Reading(malformed=True)
