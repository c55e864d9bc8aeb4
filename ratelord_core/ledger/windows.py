"""The windows of one pool, one after the other, as far as they are known."""

from __future__ import annotations

from collections.abc import Iterator

from ratelord_core.ledger.calendar import next_boundary
from ratelord_core.ledger.hold import NEVER
from ratelord_core.model.instant import DAY, HOUR, SECOND, Micros
from ratelord_core.model.pool import Pool

_LENGTH = {"hour": HOUR, "day": DAY, "week": 7 * DAY, "month": 30 * DAY}
_LONGEST_GUARD = SECOND


def guard_of(every: Micros | None) -> Micros:
    """How long after a provider's reset we trust that it has happened: 1 s, or W/20 if less."""
    return _LONGEST_GUARD if every is None else min(_LONGEST_GUARD, every // 20)


class Windows:
    """``start`` is the last reset; ``end``, the name of the present window, is the instant at which
    we refill: its reset plus the guard. Calendar windows have no length to rely on (``every`` is
    about it); fixed ones of unknown length have none (``every`` None)."""

    __slots__ = ("_unit", "_zone", "ease", "end", "every", "guard", "start")

    def __init__(self, pool: Pool, now: Micros) -> None:
        window = pool.window
        self._unit, self._zone = window.unit, window.timezone
        self.every = _LENGTH[window.unit] if window.unit else window.every
        self.ease = guard_of(self.every)
        self.guard = 0 if pool.local else self.ease
        self.start: Micros = 0
        self.end = self._first_end(window.anchor, now)

    @property
    def calendar(self) -> bool:
        """Whether the boundaries are those of a calendar."""
        return self._unit is not None

    @property
    def reset_at(self) -> Micros | None:
        """When the present window ends at the provider; None if that is not known."""
        return None if self.end == NEVER else self.end - self.guard

    def _first_end(self, anchor: Micros | None, now: Micros) -> Micros:
        if self._unit:
            return self._boundary(now)
        if anchor is None:
            return now + self.every + self.guard if self.every else NEVER
        end = anchor + self.guard
        if self.every:
            return end - (end - now - 1) // self.every * self.every
        return end if end > now else NEVER

    def _boundary(self, after: Micros) -> Micros:
        return next_boundary(after - self.guard, self._unit or "day", self._zone) + self.guard

    def end_of(self, instant: Micros) -> Micros:
        """The end of the window that an instant falls in; the present one's if it is past."""
        end = self.end
        if instant < end:
            return end
        if self._unit:
            return self._boundary(instant)
        if not self.every or end == NEVER:
            return NEVER
        return end + ((instant - end) // self.every + 1) * self.every

    def opening(self, end: Micros) -> Micros:
        """When the window with that end begins: where the one before ends."""
        if end == NEVER:
            return self.end if self.end < NEVER else self.start
        if self._unit:
            return self._last_before(end, self.end)
        return max(self.end, end - (self.every or 0))

    def _last_before(self, end: Micros, known: Micros) -> Micros:
        """The last boundary of the calendar before ``end``, not before a ``known`` one."""
        opens = max(known, self._boundary(end - 2 * (self.every or DAY)))
        while (after := self._boundary(opens)) < end:
            opens = after
        return opens

    def over(self, start: Micros, last: Micros) -> Iterator[Micros]:
        """The ends of all windows that use between ``start`` and ``last`` may count in.

        What is used while we wait out the guard counts in the window that ends and, since the
        provider may have begun it, in the next.
        """
        end = self.end_of(start)
        yield end
        while end - self.guard <= last and end < NEVER:
            end = self.end_of(end)
            yield end

    def roll(self, now: Micros) -> None:
        """Go on to the window that ``now`` (not before ``end``) falls in."""
        end = self.end_of(now)
        if end == NEVER:
            opened = self.end
        elif self._unit:
            opened = self._last_before(end, self.end)
        else:
            opened = end - (self.every or 0)
        self.start, self.end = opened - self.guard, end

    def is_over(self, dated: Micros, reset_at: Micros | None) -> bool:
        """Whether what somebody said at ``dated`` was of the window before, by the reset that was
        said with it."""
        told = reset_at is not None and reset_at > self.start + self.guard
        if reset_at is None or self.calendar:
            return dated < self.start and not told
        return not told

    def move(self, reset_at: Micros) -> None:
        """The present window ends at another instant than was known."""
        self.end = reset_at + self.guard
