"""What a provider says of a pool at one instant."""

from __future__ import annotations

import msgspec

from ratelord_core.model.instant import Micros


class Observation(msgspec.Struct, frozen=True, omit_defaults=True):
    """A provider's numbers for one pool; a field that is None was not said and changes nothing.

    ``dated`` is the instant for which the numbers are certain: when the poll's request was sent,
    or the start of the hold whose response carried them. ``window_every`` is the window's length
    in µs where the provider tells it; ``unit`` likewise.
    """

    provider_id: str
    pool_id: str
    dated: Micros
    limit: int | None = None
    used: int | None = None
    remaining: int | None = None
    reset_at: Micros | None = None
    window_every: Micros | None = None
    unit: str | None = None
