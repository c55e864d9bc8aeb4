"""When an account is polled next: pure arithmetic on instants, with the chance passed in."""

from __future__ import annotations

import msgspec

from ratelord_core.model.ids import Entropy
from ratelord_core.model.instant import DAY, MINUTE, SECOND, Micros, from_seconds


class Schedule(msgspec.Struct, frozen=True):
    """The rhythm of one account; every span in µs.

    ``jitter`` is the part of the interval by which a healthy poll may come earlier or later, so
    that many daemons do not poll in step. ``first_retry`` doubles with every failure up to
    ``longest_retry``; the latter is also how long an open circuit rests at most.
    """

    interval: Micros
    jitter: float = 0.05
    first_retry: Micros = 2 * SECOND
    longest_retry: Micros = 5 * MINUTE
    shortest: Micros = SECOND // 10
    longest: Micros = DAY

    def after_success(self, now: Micros, chance: float, asked: Micros | None = None) -> Micros:
        """The next due instant after a poll that succeeded.

        ``chance`` is in [0, 1). ``asked`` (µs from now), what the provider itself wants, overrides
        the interval and gets no jitter, within ``shortest`` and ``longest``.
        """
        if asked is not None:
            return now + min(max(asked, self.shortest), self.longest)
        swing = int(self.interval * self.jitter * (2 * chance - 1))
        return now + max(self.shortest, self.interval + swing)

    def after_failure(
        self, now: Micros, failures: int, chance: float, retry_after: float | None = None
    ) -> Micros:
        """The next due instant after the given number (≥ 1) of failures in a row.

        Exponential with equal jitter (between half of the step and all of it), but never before
        ``retry_after`` (seconds) is over, which is believed up to ``longest``.
        """
        first = min(self.first_retry, max(self.shortest, self.interval))
        step = min(first << min(failures - 1, 32), max(self.longest_retry, first))
        wait = max(self.shortest, step // 2 + int(step / 2 * chance))
        if retry_after is not None:
            ordered = from_seconds(min(max(retry_after, 0.0), self.longest / SECOND))
            wait = max(wait, ordered + int(first * chance))
        return now + wait


def draw(entropy: Entropy) -> float:
    """A chance in [0, 1)."""
    return int.from_bytes(entropy.random_bytes(4), "big") / 2**32
