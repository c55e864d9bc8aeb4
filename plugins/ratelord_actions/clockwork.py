"""Functions for conditions that ask what the clock says somewhere."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from ratelord_core.policy.function import ConditionFunction

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIME: Final = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9])")


def hour_at(now: float, zone: str) -> float:
    """0 to 23, by the clock there."""
    return float(_local(now, zone).hour)


def weekday_at(now: float, zone: str) -> float:
    """0 = Monday to 6 = Sunday, by the calendar there."""
    return float(_local(now, zone).weekday())


def business_hours_at(now: float, zone: str) -> bool:
    """Monday to Friday, 9:00 to 17:00, by the clock there."""
    local = _local(now, zone)
    return local.weekday() < 5 and 9 <= local.hour < 17


def between(now: float, start: str, end: str, zone: str) -> bool:
    """From ``start`` until before ``end``, by the clock there; over midnight if it ends first."""
    local = _local(now, zone)
    minute, first, last = local.hour * 60 + local.minute, _minute(start), _minute(end)
    if first < last:
        return first <= minute < last
    return minute >= first or minute < last


def _local(now: float, zone: str) -> datetime:
    try:
        there = ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{zone!r} is not a time zone; write Europe/Madrid") from error
    return (_EPOCH + timedelta(seconds=now)).astimezone(there)


def _minute(text: str) -> int:
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a time of day; write 09:00")
    return int(match[1]) * 60 + int(match[2])


FUNCTIONS: Final = (
    ConditionFunction(
        "between",
        ("number", "text", "text", "text"),
        "flag",
        between,
        "whether `time.now` lies between two times of day in a zone; over midnight if need be",
    ),
    ConditionFunction(
        "business_hours_at",
        ("number", "text"),
        "flag",
        business_hours_at,
        "Monday to Friday, 9:00 to 17:00, in a zone",
    ),
    ConditionFunction("hour_at", ("number", "text"), "number", hour_at, "0 to 23, in a zone"),
    ConditionFunction(
        "weekday_at", ("number", "text"), "number", weekday_at, "0 = Monday to 6, in a zone"
    ),
)
