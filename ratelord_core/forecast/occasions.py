"""Which moments of a window a model learns from: a fair sample of those at which it is asked.

It is asked by whoever uses the pool, and by whoever looks at it. So one half of the sample are
usages, every so manyth of them: a window with ten times as much usage is asked about ten times as
often, and counts for so much more. The other half are instants that no usage chose, which silence
does not hide.
"""

from __future__ import annotations

from math import inf
from typing import Any, Final

INSTANTS: Final = 3
"""Instants in each window."""
_USAGES: Final = 6.0
"""Usages looked at in a usual window …"""
_SPARSEST: Final = 3
"""… but never more than one of so many: looking costs more than counting."""
_USUAL: Final = 16.0
"""Usages in a window, before one has ended."""
_FRESH: Final = 0.03
"""The weight of the newest window in what is usual, at least: so one usage, where there never was
any, makes so many usual. Fewer never are."""
_GOLDEN: Final = 0.618034
"""Steps of the golden section fall nowhere twice, and everywhere as often."""
_FIELDS: Final = ("ends", "left", "phase", "usual", "windows", "usages", "since", "every")


class Occasions:
    """When one pool's model should lay a forecast aside, and what each of them weighs."""

    __slots__ = (*_FIELDS, "next", "step")

    def __init__(self) -> None:
        self.ends = inf
        self.left = 0
        """Instants that are still to come in this window."""
        self.phase = 0.0
        self.usual = _USUAL
        self.windows = 0
        self.usages = self.since = 0
        self.every = _SPARSEST
        self.next = inf
        """The next instant to look at."""
        self.step = 0.0

    def begin(self, t: float, ends: float | None) -> float:
        """A window begins, and the one before it has ended; ``None``: it never ends. How many
        usages are usual in a window."""
        if self.ends < inf:
            self.windows += 1
            self.usual += max(_FRESH, 1.0 / self.windows) * (self.usages - self.usual)
            self.every = max(_SPARSEST, round(self.usual / _USAGES))
        self.usages = 0
        self.phase = (self.phase + _GOLDEN) % 1.0
        self.ends = inf if ends is None or ends <= t else ends
        self.left, self.next, self.step = 0, inf, 0.0
        if self.ends < inf:
            self.left, self.step = INSTANTS, (self.ends - t) / INSTANTS
            self.next = t + self.phase * self.step
        return max(_FRESH, self.usual)

    def passed(self) -> float:
        """The instant ``next``, which is to be looked at; on to the one after it."""
        instant = self.next
        self.left -= 1
        self.next = instant + self.step if self.left > 0 else inf
        return instant

    def used(self) -> int:
        """The pool was used once more: for how many usages a forecast made now would stand, 0 if
        none is wanted."""
        self.usages += 1
        self.since += 1
        if self.since < self.every:
            return 0
        stands_for, self.since = self.since, 0
        return stands_for

    def crowded(self) -> None:
        """So many usages of this window were looked at that half of them were let go of: from now
        on half as many are looked at."""
        self.every *= 2

    def state(self) -> list[Any]:
        """Everything remembered, as plain JSON values."""
        kept = [getattr(self, name) for name in _FIELDS]
        return [None if value == inf else value for value in (*kept, self.next, self.step)]

    def restore(self, state: list[Any]) -> None:
        """Continue from a state."""
        for name, value in zip((*_FIELDS, "next", "step"), state, strict=True):
            setattr(self, name, inf if value is None else value)
