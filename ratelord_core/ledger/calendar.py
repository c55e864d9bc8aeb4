"""Boundaries of calendar windows: the first instant of the next hour, day, week or month."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from ratelord_core.model.instant import HOUR, Micros, from_datetime, to_datetime
from ratelord_core.model.window import CalendarUnit


@lru_cache(maxsize=4096)
def next_boundary(after: Micros, unit: CalendarUnit, timezone: str) -> Micros:
    """The first boundary later than ``after``.

    Hours are absolute. A local midnight that does not exist moves to the first instant that does;
    one that happens twice counts once, the first time.
    """
    if unit == "hour":
        return (after // HOUR + 1) * HOUR
    zone = ZoneInfo(timezone)
    day = to_datetime(after).astimezone(zone).date()
    while True:
        day = _next_first(day, unit)
        boundary = _first_instant(day, zone)
        if boundary > after:
            return boundary


def _next_first(day: date, unit: CalendarUnit) -> date:
    if unit == "day":
        return day + timedelta(days=1)
    if unit == "week":
        return day + timedelta(days=7 - day.weekday())
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _first_instant(day: date, zone: ZoneInfo) -> Micros:
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    instants = sorted(midnight.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    exists = instants[0].astimezone(zone).replace(tzinfo=None) == midnight.replace(tzinfo=None)
    if exists:
        return from_datetime(instants[0])
    return _transition(instants[0], instants[1], zone)


def _transition(early: datetime, late: datetime, zone: ZoneInfo) -> Micros:
    """The instant in (early, late] at which the zone's offset changes: the end of a gap."""
    before = early.astimezone(zone).utcoffset()
    low, high = from_datetime(early), from_datetime(late)
    while high - low > 1:
        middle = (low + high) // 2
        if to_datetime(middle).astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high
