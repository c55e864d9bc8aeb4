"""Interleaved slices, and ratios whose median over the rounds is what counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

from load import Seen, one_slice
from servers import cpu_seconds


@dataclass(frozen=True)
class Contender:
    """Somebody who answers: an address, a process, the body that it is sent."""

    url: str
    pid: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Slice:
    """One second of one contender."""

    seen: Seen
    cpu: float

    @property
    def cpu_each(self) -> float:
        """CPU µs for each answer."""
        return self.cpu * 1e6 / max(1, self.seen.answered)


@dataclass(frozen=True)
class Rounds:
    """What each contender did in each round; the first round warms up and counts only as load."""

    slices: dict[str, list[Slice]] = field(default_factory=dict)

    def ratio(self, of: str, to: str, what: str) -> float:
        """The median over the rounds of one contender's figure divided by another's."""
        pairs = zip(self.slices[of][1:], self.slices[to][1:], strict=True)
        return median(_figure(a, what) / _figure(b, what) for a, b in pairs)

    def value(self, of: str, what: str) -> float:
        """The median over the rounds of one contender's figure."""
        return median(_figure(one, what) for one in self.slices[of][1:])

    def answered(self, of: str) -> int:
        """All answers that a contender gave."""
        return sum(one.seen.answered for one in self.slices.get(of, ()))

    def times(self, of: str) -> int:
        """Slices of a contender, the one that warmed up among them."""
        return len(self.slices.get(of, ()))

    def refused(self, of: str) -> int:
        """All requests of a contender that were not answered with 2xx."""
        return sum(one.seen.refused for one in self.slices.get(of, ()))


def _figure(one: Slice, what: str) -> float:
    match what:
        case "rate":
            return max(one.seen.rate, 1e-9)
        case "cpu":
            return max(one.cpu_each, 1e-9)
        case _:
            return max(float(getattr(one.seen, what)), 1e-9)


def interleave(contenders: Mapping[str, Contender], connections: int, rounds: int) -> Rounds:
    """A second of each contender after the other, so many times, and once to warm up."""
    slices: dict[str, list[Slice]] = {name: [] for name in contenders}
    for _ in range(rounds + 1):
        for name, contender in contenders.items():
            before = cpu_seconds(contender.pid)
            seen = one_slice(contender.url, contender.body, connections, contender.headers)
            slices[name].append(Slice(seen, cpu_seconds(contender.pid) - before))
    return Rounds(slices)
