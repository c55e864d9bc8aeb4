"""When a simulated pool's window began and when it ends."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from ratelord_core.model.instant import HOUR, SECOND, Micros, from_datetime, to_datetime
from ratelord_core.model.window import CalendarUnit, Window


def period(window: Window, started: Micros, now: Micros) -> tuple[Micros, Micros | None]:
    """The present window's begin and end (None = it never resets), for a simulation that
    ``started`` then."""
    if window.kind == "calendar" and window.unit is not None:
        return _calendar(window.unit, window.timezone, now)
    if window.kind != "fixed":
        return started, None
    anchor = started if window.anchor is None else window.anchor
    if window.every is not None:
        begin = anchor + (now - anchor) // window.every * window.every
        return begin, begin + window.every
    return (started, anchor) if now < anchor else (anchor, None)


def _calendar(unit: CalendarUnit, timezone: str, now: Micros) -> tuple[Micros, Micros]:
    if unit == "hour":
        begin = now // HOUR * HOUR
        return begin, begin + HOUR
    zone = ZoneInfo(timezone)
    today = to_datetime(now).astimezone(zone).date()
    # A midnight that is skipped or comes twice may lie one period from where the date says.
    starts = [_first_instant(_first_day(today, unit, step), zone) for step in (-1, 0, 1, 2)]
    begin = max(start for start in starts if start <= now)
    return begin, min(start for start in starts if start > now)


def _first_day(today: date, unit: CalendarUnit, step: int) -> date:
    """The first day of the period that lies ``step`` periods after today's."""
    if unit == "day":
        return today + timedelta(days=step)
    if unit == "week":
        return today + timedelta(days=7 * step - today.weekday())
    months = today.year * 12 + today.month - 1 + step
    return date(months // 12, months % 12 + 1, 1)


def _first_instant(day: date, zone: ZoneInfo) -> Micros:
    """The first instant of a local day: its midnight, or the end of the gap that skips it."""
    midnight = datetime.combine(day, time(), zone)
    instant = midnight.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return from_datetime(instant)
    low = from_datetime(midnight.replace(fold=1).astimezone(UTC)) // SECOND
    high = from_datetime(instant) // SECOND
    while high - low > 1:
        middle = (low + high) // 2
        skipped = to_datetime(middle * SECOND).astimezone(zone).date() < day
        low, high = (middle, high) if skipped else (low, middle)
    return high * SECOND
