"""When a rule applies: the hours and days of its time window, by the clock on the wall there."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from ratelord_core.model.config import TimeWindow
from ratelord_core.model.instant import Micros, to_datetime


class Schedule:
    """A time window, ready to be asked.

    A window that ends before it starts runs over midnight and belongs to the day on which it
    started. Hours are local ones: one that a clock change skips does not happen, one that it
    repeats counts twice.
    """

    __slots__ = ("_days", "_end", "_start", "_zone")

    def __init__(self, window: TimeWindow) -> None:
        self._start = window.start_minute
        self._end = window.end_minute
        self._days = frozenset(window.days or range(7))
        self._zone = ZoneInfo(window.timezone)

    def contains(self, now: Micros) -> bool:
        """Whether the instant lies in the window; the end does not belong to it."""
        local = to_datetime(now).astimezone(self._zone)
        minute, day = local.hour * 60 + local.minute, local.weekday()
        if self._start < self._end:
            return day in self._days and self._start <= minute < self._end
        if minute >= self._start:
            return day in self._days
        return minute < self._end and (day - 1) % 7 in self._days
