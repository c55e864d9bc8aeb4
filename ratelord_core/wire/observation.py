"""Numbers seen in passing, as proxies and sidecars send them."""

from __future__ import annotations

import math
from typing import Annotated

import msgspec
from msgspec import Meta

from ratelord_core.errors import FieldError
from ratelord_core.model.instant import Micros
from ratelord_core.model.observation import Observation
from ratelord_core.wire.faults import (
    Faults,
    check_amount,
    check_id,
    check_provider,
    check_whole,
    refuse,
    shown,
)
from ratelord_core.wire.fields import Amount, Headers, Id, ProviderId, Timestamp, Whole
from ratelord_core.wire.intent import check_headers
from ratelord_core.wire.timestamp import read_timestamp


class ObservationRequest(msgspec.Struct, frozen=True):
    """The body of an observation: either response ``headers``, or a pool's numbers."""

    provider_id: Annotated[ProviderId, Meta(description="the provider account")]
    pool_id: Annotated[Id | None, Meta(description="the pool that the numbers are of")] = None
    identity_id: Annotated[Id | None, Meta(description="whose credential was used")] = None
    headers: Headers | None = None
    limit: Annotated[Whole | None, Meta(description="units of a window")] = None
    used: Annotated[Amount | None, Meta(description="units used in the present window")] = None
    remaining: Annotated[Whole | None, Meta(description="units left")] = None
    reset_at: Annotated[Timestamp | None, Meta(description="when the window ends")] = None
    ts_event: Annotated[
        Timestamp | None, Meta(description="when this was true; now if absent, and never later")
    ] = None


def check_observation(seen: ObservationRequest) -> None:
    """Raise ``InvalidRequest`` with every field that is wrong."""
    refuse(_faults(seen))


def dated(seen: ObservationRequest, now: Micros) -> Micros:
    """The instant the numbers were true: as told, but never later than now."""
    return now if seen.ts_event is None else min(read_timestamp(seen.ts_event), now)


def observation_of(seen: ObservationRequest, now: Micros) -> Observation:
    """The numbers of a pool; ``used`` rounded up, the safe side."""
    return Observation(
        seen.provider_id,
        seen.pool_id or "",
        dated(seen, now),
        limit=_whole(seen.limit),
        used=_whole(seen.used),
        remaining=_whole(seen.remaining),
        reset_at=None if seen.reset_at is None else read_timestamp(seen.reset_at),
    )


def _faults(seen: ObservationRequest) -> Faults:
    faults: Faults = []
    check_provider(faults, "provider_id", seen.provider_id)
    check_id(faults, "pool_id", seen.pool_id)
    check_id(faults, "identity_id", seen.identity_id)
    check_headers(faults, "headers", seen.headers)
    check_whole(faults, "limit", seen.limit)
    check_amount(faults, "used", seen.used)
    check_whole(faults, "remaining", seen.remaining)
    _check_time(faults, "reset_at", seen.reset_at)
    _check_time(faults, "ts_event", seen.ts_event)
    _check_shape(faults, seen)
    return faults


def _check_shape(faults: Faults, seen: ObservationRequest) -> None:
    numbers = (seen.limit, seen.used, seen.remaining, seen.reset_at)
    counted = any(number is not None for number in numbers)
    if seen.headers is not None and counted:
        faults.append(FieldError("headers", "send either headers or numbers, not both"))
    if seen.headers is None and not counted:
        faults.append(
            FieldError(
                "headers", "nothing observed: send headers, limit, used, remaining or reset_at"
            )
        )
    if counted and seen.pool_id is None:
        faults.append(FieldError("pool_id", "is required with numbers"))


def _check_time(faults: Faults, field: str, text: str | None) -> None:
    if text is None:
        return
    try:
        read_timestamp(text)
    except (ValueError, OverflowError):
        rule = "an RFC 3339 time with its zone, such as 2026-01-31T12:00:00Z"
        faults.append(FieldError(field, f"{shown(text)} is not {rule}"))


def _whole(amount: float | None) -> int | None:
    return None if amount is None else math.ceil(amount)
