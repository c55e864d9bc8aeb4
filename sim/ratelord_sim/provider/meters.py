"""What a provider counts, for each kind of window: written apart from the ledger, to judge it.

Every meter is asked at instants that never go back.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable

from ratelord_core.ledger.calendar import next_boundary
from ratelord_core.model.instant import DAY, MINUTE, Micros
from ratelord_core.model.window import CalendarUnit


class Meter(ABC):
    """One pool's count. ``ended`` is called with the instant, the units used and the limit when a
    window ends."""

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self.ended: Callable[[Micros, int], None] = _nobody

    @abstractmethod
    def used(self, now: Micros) -> int:
        """Units that count now."""

    @abstractmethod
    def count(self, units: int, now: Micros) -> None:
        """Units were used, whatever the limit."""

    def room(self, now: Micros) -> int | None:
        """Units that are left; None = no end of them."""
        return None if self.limit is None else max(0, self.limit - self.used(now))

    def release(self, units: int, now: Micros) -> None:  # noqa: B027 - only parallel slots come back
        """An action ended."""

    def reset_at(self, now: Micros) -> Micros | None:
        """The next reset as it is announced."""
        return None


class PeriodMeter(Meter):
    """Fixed and calendar windows. ``turns`` gives the announced end after an instant; the true one
    lies ``shift`` (of that end) beside it."""

    def __init__(
        self,
        limit: int | None,
        now: Micros,
        turns: Callable[[Micros], Micros],
        shift: Callable[[Micros], Micros],
    ) -> None:
        super().__init__(limit)
        self._turns, self._shift = turns, shift
        self._announced = turns(now)
        self._end = self._announced + shift(self._announced)
        self._begun = now
        self._used = 0

    def used(self, now: Micros) -> int:
        while now >= self._end:
            self.ended(self._end, self._used)
            self._begun, self._used = self._end, 0
            self._announced = self._turns(max(self._announced, self._end))
            self._end = max(self._end + 1, self._announced + self._shift(self._announced))
        return self._used

    def count(self, units: int, now: Micros) -> None:
        self.used(now)
        self._used += units

    def count_late(self, units: int, at: Micros, now: Micros) -> None:
        """Units used at an earlier instant: of a window that is over they count no more."""
        self.used(now)
        if at >= self._begun:
            self._used += units

    def reset_at(self, now: Micros) -> Micros | None:
        self.used(now)
        return self._announced


class SlidingMeter(Meter):
    """What was used in the trailing window."""

    def __init__(self, limit: int | None, every: Micros) -> None:
        super().__init__(limit)
        self._every = every
        self._spent: deque[tuple[Micros, int]] = deque()
        self._used = 0

    def used(self, now: Micros) -> int:
        while self._spent and self._spent[0][0] <= now - self._every:
            self._used -= self._spent.popleft()[1]
        return self._used

    def count(self, units: int, now: Micros) -> None:
        self._spent.append((now, units))
        self._used += units


class BucketMeter(Meter):
    """A level that drains at limit per window; ``burst`` is how high it may stand."""

    def __init__(self, limit: int | None, every: Micros, burst: int | None, now: Micros) -> None:
        super().__init__(limit if burst is None else burst)
        self._rate, self._every = limit or 0, every
        self._level = 0  # in units × the window's µs, so that nothing is rounded
        self._at = now

    def used(self, now: Micros) -> int:
        self._level = max(0, self._level - (now - self._at) * self._rate)
        self._at = max(self._at, now)
        return -(-self._level // self._every)

    def count(self, units: int, now: Micros) -> None:
        self.used(now)
        self._level += units * self._every


class SlotMeter(Meter):
    """What runs at the same time."""

    def __init__(self, limit: int | None) -> None:
        super().__init__(limit)
        self._running = 0

    def used(self, now: Micros) -> int:
        return self._running

    def count(self, units: int, now: Micros) -> None:
        self._running += units

    def release(self, units: int, now: Micros) -> None:
        self._running = max(0, self._running - units)


class EndlessMeter(Meter):
    """Counts, and never says no."""

    def __init__(self) -> None:
        super().__init__(None)
        self._used = 0

    def used(self, now: Micros) -> int:
        return self._used

    def count(self, units: int, now: Micros) -> None:
        self._used += units


def fixed_turns(every: Micros, anchor: Micros) -> Callable[[Micros], Micros]:
    """The announced ends of a fixed window, one of which is ``anchor``."""
    return lambda after: after + every - (after - anchor) % every


def calendar_turns(unit: CalendarUnit, timezone: str) -> Callable[[Micros], Micros]:
    """The boundaries of a calendar."""
    return lambda after: next_boundary(after, unit, timezone)


def length_of(unit: CalendarUnit | None) -> Micros:
    """About how long a calendar window is."""
    return {"hour": 60 * MINUTE, "day": DAY, "week": 7 * DAY, "month": 30 * DAY}.get(
        unit or "day", DAY
    )


def _nobody(at: Micros, used: int) -> None:
    del at, used
