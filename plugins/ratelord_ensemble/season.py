"""How demand follows the hour of the day and the day of the week, once there is history."""

from __future__ import annotations

from itertools import accumulate
from typing import Any, Final

DAY: Final = 86400.0
SLOTS: Final = 96
"""Quarters of an hour in a day."""
SLOT: Final = DAY / SLOTS

_FRESH: Final = 0.3
"""The weight of a new day in its slot, once there are more than three."""
_FRESH_WEEKDAY: Final = 0.25
_LEAST_SEEN: Final = 0.2
"""A slot of which less than this part could be seen (the pool was empty) teaches nothing."""
_WEEKDAYS_AFTER: Final = 14
"""Days of history before weekdays are told apart."""
_ALIKE: Final = 0.25
"""Weekday factors lie between this and its inverse."""
_FEW: Final = 4
"""Spans of so few slots are added up slot by slot."""
_FIELDS: Final = (
    "rates", "seen", "factors", "weekdays", "slot", "units", "seconds", "day_units", "day_meant",
)  # fmt: skip


class Season:
    """Mean demand for each quarter of an hour of the day (UTC), times a factor for the weekday.

    Ready after one whole day. Weekday factors stay at 1 until two weeks have been seen.
    """

    def __init__(self) -> None:
        self.rates = [0.0] * SLOTS
        self.seen = [0] * SLOTS
        self.factors = [1.0] * 7
        self.weekdays = 0
        self.slot: int | None = None
        self.units = self.seconds = 0.0
        self.day_units = self.day_meant = 0.0
        self.ready = False
        self._sums: list[float] = []
        self._stale = False

    def observe(self, since: float, t: float, seconds: float, units: float) -> None:
        """So many units came at ``t``; of the time since ``since``, ``seconds`` could be seen."""
        slot = int(t // SLOT)
        if self.slot is None:
            self.slot = slot
        elif slot != self.slot:
            self._turn(since, t, seconds, slot)
            seconds = 0.0
        self.units += units
        self.seconds += seconds

    def expected(self, since: float, until: float) -> float:
        """The units that usually come between two instants; 0 while not ``ready``."""
        if not self.ready:
            return 0.0
        slot = self.slot
        if slot is not None and slot * SLOT <= since and until <= (slot + 1) * SLOT:
            day = slot // SLOTS
            return (until - since) * self.rates[slot % SLOTS] * self._factor(day)
        if until - since < _FEW * SLOT:
            return self._between(since, until)
        if self._stale:
            self._sums, self._stale = [0.0, *accumulate(self.rates)], False
        first, last = int(since // DAY), int(until // DAY)
        if first == last:
            inside = self._within(until - first * DAY) - self._within(since - first * DAY)
            return inside * self._factor(first)
        whole = self._sums[-1] * SLOT
        found = (whole - self._within(since - first * DAY)) * self._factor(first)
        for day in range(first + 1, min(last, first + 31)):
            found += whole * self._factor(day)
        return found + self._within(until - last * DAY) * self._factor(last)

    def state(self) -> dict[str, Any]:
        """Everything remembered, as plain JSON values."""
        kept = {name: getattr(self, name) for name in _FIELDS}
        return {name: list(v) if isinstance(v, list) else v for name, v in kept.items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        for name in _FIELDS:
            value = state[name]
            setattr(self, name, list(value) if isinstance(value, list) else value)
        self.ready = False
        self._renew()

    def _between(self, since: float, until: float) -> float:
        first, last = int(since // SLOT), int(until // SLOT)
        if first == last:
            return (until - since) * self._rate(first)
        found = ((first + 1) * SLOT - since) * self._rate(first)
        for slot in range(first + 1, last):
            found += SLOT * self._rate(slot)
        return found + (until - last * SLOT) * self._rate(last)

    def _rate(self, slot: int) -> float:
        return self.rates[slot % SLOTS] * self._factor(slot // SLOTS)

    def _within(self, second: float) -> float:
        place = second / SLOT
        slot = min(SLOTS - 1, int(place))
        before = self._sums[slot]
        return (before + (place - slot) * (self._sums[slot + 1] - before)) * SLOT

    def _factor(self, day: int) -> float:
        return self.factors[(day + 3) % 7]  # the epoch began on a Thursday; Monday is 0

    def _turn(self, since: float, t: float, seconds: float, slot: int) -> None:
        """Close every slot up to the one in which ``t`` lies."""
        now = self.slot or 0
        visible = seconds / (t - since) if t > since else 1.0
        first = max(now, slot - 2 * SLOTS)
        if first > now:  # a silence of more than two days: the days before it taught enough
            self.units = self.seconds = 0.0
            since = first * SLOT
        while first < slot:
            end = (first + 1) * SLOT
            self.seconds += visible * (end - max(since, first * SLOT))
            self._close(first)
            self.units = self.seconds = 0.0
            first += 1
        self.slot = slot
        self.seconds = visible * (t - max(since, slot * SLOT))
        self._renew()

    def _close(self, slot: int) -> None:
        place = slot % SLOTS
        if self.seconds >= _LEAST_SEEN * SLOT:
            usual = self._factor(slot // SLOTS)
            rate = self.units / self.seconds
            self.day_units += rate
            self.day_meant += self.rates[place]
            self.seen[place] += 1
            weight = max(_FRESH, 1.0 / self.seen[place])
            self.rates[place] += weight * (rate / usual - self.rates[place])
        if place == SLOTS - 1:
            self._close_day(slot // SLOTS)

    def _close_day(self, day: int) -> None:
        self.weekdays += 1
        if self.weekdays > _WEEKDAYS_AFTER and self.day_meant > 0.0:
            ratio = min(1.0 / _ALIKE, max(_ALIKE, self.day_units / self.day_meant))
            place = (day + 3) % 7
            self.factors[place] += _FRESH_WEEKDAY * (ratio - self.factors[place])
        self.day_units = self.day_meant = 0.0

    def _renew(self) -> None:
        self.ready = self.ready or min(self.seen) > 0
        self._stale = self.ready  # summed up when somebody asks for more than a few slots
