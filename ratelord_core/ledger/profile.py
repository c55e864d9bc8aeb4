"""How much is taken over time, when the taking is a sum of intervals."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from ratelord_core.model.instant import Micros

_LARGEST = 512
"""Changes in a block before it is split in two."""


class _Block:
    """A run of changes, with what a glance must know to pass it by: the sum of all, and the least
    and the most that the sum is on the way."""

    __slots__ = ("changes", "high", "low", "stale", "times", "total")

    def __init__(self, times: list[Micros], changes: list[int]) -> None:
        self.times = times
        self.changes = changes
        self.stale = True
        self.total = self.low = self.high = 0

    def refresh(self) -> None:
        """Sum up anew, if something changed."""
        if not self.stale:
            return
        level, levels = 0, []
        for change in self.changes:
            level += change
            levels.append(level)
        self.total, self.low, self.high = level, min(levels), max(levels)
        self.stale = False


class Profile:
    """A step function of time: the sum of intervals, each with its units.

    Adding costs about the square root of the number of intervals. So does a search, because runs in
    which nothing can be decided are passed by at a glance.
    """

    __slots__ = ("_blocks", "_level", "_now")

    def __init__(self) -> None:
        self._now: Micros = 0
        self._level = 0
        """Taken now; the blocks hold what changes later."""
        self._blocks: list[_Block] = []

    @property
    def is_empty(self) -> bool:
        """Whether nothing is taken now or later."""
        return not self._level and not self._blocks

    def add(self, start: Micros, end: Micros, units: int) -> None:
        """Units are taken throughout [start, end); negative ones take an interval back."""
        self._change(start, units)
        self._change(end, -units)

    def advance(self, now: Micros) -> None:
        """Everything up to ``now`` is past."""
        self._now = now
        blocks = self._blocks
        while blocks and blocks[0].times[0] <= now:
            block = blocks[0]
            gone = bisect_right(block.times, now)
            self._level += sum(block.changes[:gone])
            del block.times[:gone], block.changes[:gone]
            block.stale = True
            if block.times:
                return
            del blocks[0]

    def earliest(self, room: int, length: Micros, after: Micros) -> Micros | None:
        """The earliest t >= ``after`` such that at most ``room`` units are taken throughout
        [t, t + ``length``); None if that never comes."""
        number, level = self._locate(after)
        blocks = self._blocks
        first = bisect_right(blocks[number].times, after) if number < len(blocks) else 0
        if first:
            level += sum(blocks[number].changes[:first])
        candidate = after if level <= room else None
        for index in range(number, len(blocks)):
            block = blocks[index]
            if candidate is not None and block.times[first] >= candidate + length:
                return candidate
            if not first and self._undecided(block, level, room, candidate is not None):
                level += block.total
                continue
            for at, change in zip(block.times[first:], block.changes[first:], strict=True):
                if candidate is not None and at >= candidate + length:
                    return candidate
                level += change
                if level > room:
                    candidate = None
                elif candidate is None:
                    candidate = at
            first = 0
        return candidate

    @staticmethod
    def _undecided(block: _Block, level: int, room: int, free: bool) -> bool:
        """Whether the block is free throughout, if it is at its start, or full throughout."""
        block.refresh()
        return level + block.high <= room if free else level + block.low > room

    def _locate(self, after: Micros) -> tuple[int, int]:
        """The block in which the first change later than ``after`` is, and the level before it."""
        level = self._level
        for number, block in enumerate(self._blocks):
            if block.times[-1] > after:
                return number, level
            block.refresh()
            level += block.total
        return len(self._blocks), level

    def _change(self, at: Micros, units: int) -> None:
        if at <= self._now:
            self._level += units
            return
        if not units:
            return
        blocks = self._blocks
        if not blocks:
            blocks.append(_Block([at], [units]))
            return
        number = bisect_left(blocks, at, hi=len(blocks) - 1, key=lambda block: block.times[-1])
        block = blocks[number]
        _change_in(block, at, units)
        if not block.times:
            del blocks[number]
        elif len(block.times) > _LARGEST:
            half = _LARGEST // 2
            blocks.insert(number + 1, _Block(block.times[half:], block.changes[half:]))
            del block.times[half:], block.changes[half:]


def _change_in(block: _Block, at: Micros, units: int) -> None:
    """Changes of one instant are one: what ends makes room for what begins."""
    block.stale = True
    index = bisect_left(block.times, at)
    if index == len(block.times) or block.times[index] != at:
        block.times.insert(index, at)
        block.changes.insert(index, units)
        return
    block.changes[index] += units
    if not block.changes[index]:
        del block.times[index], block.changes[index]
