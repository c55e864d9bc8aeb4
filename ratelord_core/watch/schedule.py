"""When an account is polled next: pure arithmetic on instants, with the chance passed in."""

from __future__ import annotations

import msgspec

from ratelord_core.model.ids import Entropy
from ratelord_core.model.instant import DAY, MINUTE, SECOND, Micros, from_seconds


class Load(msgspec.Struct, frozen=True):
    """What an account's pools are going through, as far as polling is concerned. ``pressure`` (0 …
    1) is how much fresh numbers matter, ``idle`` that nobody wants anything of them. ``reset_at``
    is the next reset of a pool that is in use."""

    pressure: float = 0.0
    idle: bool = False
    reset_at: Micros | None = None


STEADY = Load()
"""Neither busy nor idle: the interval as it is."""


class Schedule(msgspec.Struct, frozen=True):
    """The rhythm of one account; every span in µs.

    ``jitter`` is the part of the interval by which a healthy poll may come earlier or later, so
    that many daemons do not poll in step. ``first_retry`` doubles with every failure up to
    ``longest_retry``; the latter is also how long an open circuit rests at most. Under pressure
    polls come up to ``hurry`` times as often (but not within a second), and up to ``rest`` times
    as seldom while nobody draws: less than the three intervals after which data are stale. A reset
    is looked at ``after_reset``.
    """

    interval: Micros
    jitter: float = 0.05
    first_retry: Micros = 2 * SECOND
    longest_retry: Micros = 5 * MINUTE
    shortest: Micros = SECOND // 10
    longest: Micros = DAY
    hurry: int = 4
    rest: int = 2
    after_reset: Micros = SECOND

    def after_success(
        self,
        now: Micros,
        chance: float,
        asked: Micros | None = None,
        load: Load = STEADY,
        idle: int = 0,
    ) -> Micros:
        """The next due instant after a poll that succeeded.

        ``chance`` is in [0, 1). ``asked`` (µs from now), what the provider itself wants, overrides
        the interval and gets no jitter, within ``shortest`` and ``longest``. ``idle`` are the polls
        in a row that found nobody drawing.
        """
        if asked is not None:
            return now + min(max(asked, self.shortest), self.longest)
        interval = self._interval(load, idle)
        swing = int(interval * self.jitter * (2 * chance - 1))
        due = now + max(self.shortest, interval + swing)
        if load.reset_at is None or load.reset_at <= now:
            return due
        return min(due, max(load.reset_at + self.after_reset, now + self._least))

    @property
    def _least(self) -> Micros:
        """The shortest interval that pressure may bring about."""
        return min(self.interval, max(SECOND, self.interval // self.hurry))

    def _interval(self, load: Load, idle: int) -> Micros:
        """The interval as the load has it."""
        if load.idle:
            quarters = min(idle, 4 * (self.rest - 1))
            return self.interval + self.interval * quarters // 4
        pressure = min(max(load.pressure, 0.0), 1.0)
        saved = int((self.interval - self.interval // self.hurry) * pressure)
        return max(self._least, self.interval - saved)

    def after_failure(
        self, now: Micros, failures: int, chance: float, retry_after: float | None = None
    ) -> Micros:
        """The next due instant after the given number (≥ 1) of failures in a row.

        Exponential with equal jitter (between half of the step and all of it), but never before
        ``retry_after`` (seconds) is over, which is believed up to ``longest``.
        """
        step = self._step(failures)
        wait = max(self.shortest, step // 2 + int(step / 2 * chance))
        if retry_after is not None:
            ordered = from_seconds(min(max(retry_after, 0.0), self.longest / SECOND))
            wait = max(wait, ordered + int(self._step(1) * chance))
        return now + wait

    def after_hearing(self, failed_at: Micros, before: int) -> Micros:
        """The earliest instant at which answered calls may have an open circuit probed: after a
        poll that failed at ``failed_at``, if ``before`` probes came sooner for that reason."""
        return failed_at + self._step(before + 1)

    def _step(self, failures: int) -> Micros:
        """The longest wait after that many failures in a row, by backoff alone."""
        first = min(self.first_retry, max(self.shortest, self.interval))
        return min(first << min(failures - 1, 32), max(self.longest_retry, first))


def draw(entropy: Entropy) -> float:
    """A chance in [0, 1)."""
    return int.from_bytes(entropy.random_bytes(4), "big") / 2**32
