"""What is to come in a bucket: promises start, holds are drawn. And how its level goes with that.

Levels are in units × W, as the bucket keeps them. What is projected is the worst that may happen:
every hold is drawn in full, as late as it may be.

A run of turns does to a level x what ``min(x + gain, cap)`` does, and what is available at the
starts within it follows the same form. So a run is passed by at a glance, and asking costs about
the square root of the number of turns.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import NamedTuple

from ratelord_core.ledger.hold import NEVER
from ratelord_core.model.instant import Micros

_LARGEST = 96
"""Turns in a run before it is split in two."""

Turn = tuple[Micros, int, int]
"""When, and by how much what is held and the level change then."""


_BEYOND = 1 << 200
"""More than any level."""


class Point(NamedTuple):
    """Where a bucket stands at an instant."""

    at: Micros
    level: int
    held: int


class Flow(NamedTuple):
    """How a bucket refills: ``rate`` a µs, up to ``full``."""

    rate: int
    full: int

    def on(self, point: Point, then: Micros) -> Point:
        """Where it stands later, if nothing happens before."""
        at, level, held = point
        return Point(then, min(self.full, level + self.rate * (then - at)), held)

    def past(self, point: Point, turn: Turn) -> Point:
        """Where it stands after its next turn."""
        (at, level, held), (then, more_held, more_level) = point, turn
        level = min(self.full, level + self.rate * (then - at))
        return Point(then, level + more_level, held + more_held)


class _Glance(NamedTuple):
    """What a run of turns does to where the bucket stands at its first turn, and what is available
    within it, each in the form min(level + gain, cap) - held."""

    first: Micros
    last: Micros
    gain: int
    cap: int
    held: int
    least_gain: int
    least_cap: int
    most_gain: int
    most_cap: int

    def most(self, entry: Point) -> int:
        """No more than this is ever available between its turns."""
        return min(entry.level + self.most_gain, self.most_cap) - entry.held


class _Run:
    """Some turns in order, and the glance at them once somebody took it."""

    __slots__ = ("_flow", "_seen", "turns")

    def __init__(self, turns: list[Turn]) -> None:
        self.turns = turns
        self._flow: Flow | None = None
        self._seen: _Glance | None = None

    def changed(self) -> None:
        """The glance is no longer true."""
        self._seen = None

    def glance(self, flow: Flow) -> _Glance:
        """What the run does, as the bucket refills."""
        seen = self._seen
        if seen is None or self._flow != flow:
            self._flow = flow
            seen = self._seen = _glance(self.turns, flow)
        return seen

    def beyond(self, flow: Flow, entry: Point) -> Point:
        """Where the bucket stands after the run."""
        seen = self.glance(flow)
        level = min(entry.level + seen.gain, seen.cap)
        return Point(seen.last, level, entry.held + seen.held)


def _glance(turns: list[Turn], flow: Flow) -> _Glance:
    rate, full = flow
    gain, cap, held, before = 0, _BEYOND, 0, turns[0][0]
    least_gain = least_cap = _BEYOND
    most_gain = most_cap = -_BEYOND
    for then, more_held, more_level in turns:
        if then > before:
            rise = rate * (then - before)
            gain, cap, before = gain + rise, min(full, cap + rise), then
            most_gain, most_cap = max(most_gain, gain - held), max(most_cap, cap - held)
        gain, cap, held = gain + more_level, cap + more_level, held + more_held
        if more_held > 0:
            least_gain, least_cap = min(least_gain, gain - held), min(least_cap, cap - held)
    return _Glance(turns[0][0], before, gain, cap, held, least_gain, least_cap, most_gain, most_cap)


class Turns:
    """Turns in order of time; those of one instant as they are written: draws before starts."""

    def __init__(self) -> None:
        self._runs: list[_Run] = []

    def __iter__(self) -> Iterator[Turn]:
        for run in self._runs:
            yield from run.turns

    def add(self, turn: Turn) -> None:
        """A turn is to come."""
        runs = self._runs
        if not runs:
            runs.append(_Run([turn]))
            return
        number = self._place(turn)
        run = runs[number]
        insort(run.turns, turn)
        run.changed()
        if len(run.turns) > _LARGEST:
            half = _LARGEST // 2
            runs.insert(number + 1, _Run(run.turns[half:]))
            del run.turns[half:]

    def remove(self, turn: Turn) -> None:
        """A turn that was added will not come, or has come."""
        number = self._place(turn)
        run = self._runs[number]
        del run.turns[bisect_left(run.turns, turn)]
        run.changed()
        if not run.turns:
            del self._runs[number]

    def _place(self, turn: Turn) -> int:
        return bisect_left(self._runs, turn, hi=len(self._runs) - 1, key=lambda run: run.turns[-1])

    # --- looking ahead ------------------------------------------------------------------------

    def least(self, flow: Flow, point: Point) -> int:
        """The least that is available at the start of any promise."""
        return self._survey(flow, point, 0)[0]

    def _survey(self, flow: Flow, point: Point, need: int) -> tuple[int, int, Point]:
        """The least that is available at any start; the last run with a start at which it is less
        than the need (-1: none), and where the bucket stands when that run's first turn comes."""
        (rate, full), (at, level, held) = flow, point
        least, short, entry = _BEYOND, -1, point
        for number, run in enumerate(self._runs):
            first, last, gain, cap, more, least_gain, least_cap, *_ = run.glance(flow)
            level += rate * (first - at)
            level = level if level < full else full
            there, most = level + least_gain - held, least_cap - held
            there = there if there < most else most
            if there < need:
                short, entry = number, Point(first, level, held)
            least = there if there < least else least
            level += gain
            at, level, held = last, level if level < cap else cap, held + more
        return least, short, entry

    def earliest(self, flow: Flow, point: Point, need: int, after: Micros) -> Micros | None:
        """The first instant, not before ``after``, at which the level less what is held covers the
        need and no promise later than that has less than the need to spare."""
        turns, runs, point = self._from_last_short(flow, point, need)
        start, point = _within(turns, flow, point, need, after)
        for run in runs:
            seen = run.glance(flow)
            start = _start(flow, point, need, after, seen.first) if start is None else start
            if start is not None:
                return start
            point = flow.on(point, seen.first)
            if seen.last > after and seen.most(point) >= need:
                start, point = _within(run.turns, flow, point, need, after)
            else:
                point = run.beyond(flow, point)
        return _start(flow, point, need, after, NEVER) if start is None else start

    def _from_last_short(
        self, flow: Flow, point: Point, need: int
    ) -> tuple[list[Turn], list[_Run], Point]:
        """What follows the last promise that has less than the need to spare: the rest of its run,
        the runs behind that, and where the bucket stands after it."""
        _, short, entry = self._survey(flow, point, need)
        if short < 0:
            return [], self._runs, point
        turns, rest, there = self._runs[short].turns, 0, entry
        for place, turn in enumerate(turns, 1):
            there = flow.past(there, turn)
            if turn[1] > 0 and there.level - there.held < need:
                rest, entry = place, there
        return turns[rest:], self._runs[short + 1 :], entry


def _within(
    turns: list[Turn], flow: Flow, point: Point, need: int, after: Micros
) -> tuple[Micros | None, Point]:
    """The first start before or between some turns, and where the bucket stands after them."""
    for turn in turns:
        start = _start(flow, point, need, after, turn[0])
        if start is not None:
            return start, point
        point = flow.past(point, turn)
    return None, point


def _start(flow: Flow, point: Point, need: int, after: Micros, then: Micros) -> Micros | None:
    """The first start from a point on, before the next turn; the level only rises until then."""
    begin = max(point.at, after)
    if begin >= then:
        return None
    wanted = need + point.held
    missing = wanted - flow.on(point, begin).level
    if missing <= 0:
        return begin
    if wanted > flow.full or not flow.rate:
        return None
    start = begin - -missing // flow.rate
    return start if start < then else None
