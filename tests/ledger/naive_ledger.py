"""A ledger so simple that it is plainly right, to compare the real one with.

Nothing is kept but what happened: uses and open holds. Every question is answered by going through
all of it. For the windows in which a unit comes back at one instant (fixed, calendar, sliding,
concurrency) a unit that is used at x counts in [x, ``release(x)``); a hold from s to e may be used
at any instant up to e, so at the worst it counts in [s, ``release(e)``). A bucket is played from its
first day, with every open hold drawn as late as may be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from ratelord_core.model.instant import HOUR, SECOND, Micros
from ratelord_core.model.pool import Pool

Span = tuple[Micros, Micros, int]


@dataclass
class NaivePool:
    """One pool: what was used when, and who holds what from when to when."""

    pool: Pool
    born: Micros
    limit: int = 0
    honest: bool = True
    """Whether nothing but asks, reports within the hold, and expiries ever happened."""
    legs: dict[str, Span] = field(default_factory=dict)
    uses: list[tuple[Micros, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.limit = self.pool.limit or 0

    # --- what happens -------------------------------------------------------------------------

    def expire(self, intent: str) -> None:
        """A hold that nobody reported is used in full as of its end."""
        _, end, units = self.legs.pop(intent)
        self.use(end, units)

    def use(self, at: Micros, units: int) -> None:
        """Units used at an instant."""
        self.uses.append((at, units))

    def counts(self, at: Micros, now: Micros) -> bool:
        """Whether what was used at an instant still counts."""
        return now < self.release(at)

    def correct(self, at: Micros, units: int, really: int, now: Micros) -> None:
        """What was used at an instant was another amount."""
        self.uses.remove((at, units))
        self.use(at, really)

    # --- what that means ----------------------------------------------------------------------

    def release(self, at: Micros) -> Micros:
        """When a unit that is used at an instant comes back."""
        raise NotImplementedError

    def used(self, now: Micros) -> int:
        """What counts as used."""
        return sum(units for at, units in self.uses if at <= now < self.release(at))

    def held(self, now: Micros) -> int:
        """What is held by those that have started."""
        return sum(units for start, _, units in self.legs.values() if start <= now)

    def scheduled(self, now: Micros) -> int:
        """What is promised to those that start later."""
        return sum(units for start, _, units in self.legs.values() if start > now)

    def spans(self) -> Iterator[Span]:
        """Every interval in which units may count, at the worst."""
        for at, units in self.uses:
            yield at, self.release(at), units
        for start, end, units in self.legs.values():
            yield start, max(self.release(end), start + 1), units

    def worst(self, at: Micros) -> int:
        """Units that may count at an instant."""
        return sum(units for start, end, units in self.spans() if start <= at < end)

    def fits(self, units: int, start: Micros, lifetime: Micros) -> bool:
        """Whether a hold would stay within the limit whatever becomes of all holds."""
        end = max(self.release(start + lifetime), start + 1)
        instants = [start, *(begin for begin, _, _ in self.spans() if start < begin < end)]
        return units == 0 or all(self.worst(at) + units <= self.limit for at in instants)

    def candidates(self, now: Micros) -> set[Micros]:
        """The only instants at which something may become possible."""
        return {now, *(end for _, end, _ in self.spans() if end > now)}

    def never_passes(self, now: Micros) -> bool:
        """Whether no future instant can see more than the limit."""
        instants = [now, *(begin for begin, _, _ in self.spans() if begin > now)]
        return all(self.worst(at) <= self.limit for at in instants)

    def truly_passed(self) -> bool:
        """Whether what was really used ever passed the limit, by the window's own rule."""
        return any(
            sum(units for at, units in self.uses if at <= instant < self.renewal(at)) > self.limit
            for instant, _ in self.uses
        )

    def renewal(self, at: Micros) -> Micros:
        """When the provider itself stops counting what was used at an instant."""
        return self.release(at)


@dataclass
class NaivePeriod(NaivePool):
    """Everything comes back at the next reset, which we believe in a little later."""

    def renewal(self, at: Micros) -> Micros:
        every = self.pool.window.every or HOUR
        first = 0 if self.pool.window.kind == "calendar" else self.born + every
        return first + ((at - first) // every + 1) * every

    def release(self, at: Micros) -> Micros:
        every = self.pool.window.every or HOUR
        return self.renewal(at) + (0 if self.pool.local else min(SECOND, every // 20))


@dataclass
class NaiveSliding(NaivePool):
    """Every unit comes back W after its use."""

    def release(self, at: Micros) -> Micros:
        return at + (self.pool.window.every or 0)


@dataclass
class NaiveConcurrency(NaivePool):
    """A unit comes back when its hold ends; there is no use."""

    def expire(self, intent: str) -> None:
        del self.legs[intent]

    def use(self, at: Micros, units: int) -> None:
        """Nothing: what ran has ended."""

    def release(self, at: Micros) -> Micros:
        return at


@dataclass
class NaiveBucket(NaivePool):
    """Refills by ``limit`` units × µs each µs, up to the burst; all amounts here are units × W."""

    draws: list[tuple[Micros, int]] = field(default_factory=list)
    """What was drawn, in units × W, in the order in which it became known."""

    @property
    def every(self) -> Micros:
        """W."""
        return self.pool.window.every or 1

    @property
    def burst(self) -> int:
        """The most that it holds."""
        burst = self.pool.window.burst
        return self.limit if burst is None else burst

    def release(self, at: Micros) -> Micros:
        return at

    def counts(self, at: Micros, now: Micros) -> bool:
        return True

    def correct(self, at: Micros, units: int, really: int, now: Micros) -> None:
        """Of what was not used after all, some may have flowed in again since."""
        refund = max(0, (units - really) * self.every - self.limit * (now - at))
        self.draws.append((now, -refund))

    def use(self, at: Micros, units: int) -> None:
        super().use(at, units)
        self.draws.append((at, units * self.every))

    def level(self, now: Micros) -> int:
        """What is in it, if every open hold is drawn at its end."""
        open_legs = ((end, units * self.every) for _, end, units in self.legs.values())
        drawn = [*self.draws, *open_legs]
        past = sorted((draw for draw in drawn if draw[0] <= now), key=lambda draw: draw[0])
        level = full = self.burst * self.every
        for (before, _), (at, amount) in pairwise([(self.born, 0), *past]):
            level = min(full, min(full, level + self.limit * (at - before)) - amount)
        last = past[-1][0] if past else self.born
        return min(full, level + self.limit * (now - last))

    def available(self, now: Micros) -> int:
        """What is in it less what is held."""
        open_now = (units for start, end, units in self.legs.values() if start <= now < end)
        return self.level(now) - sum(open_now) * self.every

    def used(self, now: Micros) -> int:
        return self.burst - self.level(now) // self.every

    def fits(self, units: int, start: Micros, lifetime: Micros) -> bool:
        self.legs["probe"] = (start, start + lifetime, units)
        starts = [at for at, _, some in self.legs.values() if some and at >= start]
        enough = units == 0 or all(self.available(at) >= 0 for at in starts)
        del self.legs["probe"]
        return enough

    def candidates(self, now: Micros) -> set[Micros]:
        return {now}

    def never_passes(self, now: Micros) -> bool:
        instants = [now, *(at for at, _, _ in self.legs.values() if at > now)]
        return all(self.available(at) >= 0 for at in instants)

    def truly_passed(self) -> bool:
        return any(self.level(at) < 0 for at, _ in self.uses)


KINDS = {
    "fixed": NaivePeriod,
    "calendar": NaivePeriod,
    "sliding": NaiveSliding,
    "concurrency": NaiveConcurrency,
    "bucket": NaiveBucket,
}


def naive(pool: Pool, now: Micros) -> NaivePool:
    """The model of a pool."""
    return KINDS[pool.window.kind](pool, now)
