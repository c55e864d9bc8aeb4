"""What the simulator asks of a behaviour: when does an agent want something, and how much?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import msgspec

from ratelord_core.model.instant import SECOND, Micros


class Demand(msgspec.Struct, frozen=True, gc=False):
    """One thing that an agent wants to do: ``after`` µs from the demand before it (of a ``closed``
    behaviour: from the end of the action before it). ``units`` None: what its group asks for."""

    after: Micros
    units: float | None = None


class Pace(msgspec.Struct, frozen=True):
    """How a scenario wants a group of agents to move.

    ``rate`` is in demands per second and agent. ``burst`` is how many come at once. ``jitter`` (µs)
    is chance in when they come. ``together`` agents begin at the same instant, others anywhere
    within their first gap. ``rows`` are the (instant, units) of a trace, in µs since its start, of
    this agent alone. ``options`` are the keys that only this behaviour knows.
    """

    rate: float = 1.0
    burst: int = 1
    jitter: Micros = 0
    together: bool = False
    rows: tuple[tuple[Micros, float | None], ...] = ()
    options: Mapping[str, Any] = {}

    @property
    def gap(self) -> Micros:
        """The average span between two demands."""
        return round(SECOND / self.rate)


class Chance(Protocol):
    """An agent's own stream of chance: the same for the same seed and agent."""

    def random(self) -> float:
        """A number in [0, 1)."""
        ...

    def expovariate(self, rate: float, /) -> float:
        """An exponential number with the mean ``1 / rate``."""
        ...


class Behavior(Protocol):
    """A way of asking, by its name in scenario files."""

    name: str
    closed: bool
    """Whether an agent wants its next thing only when it is done with the last one."""
    paced: bool
    """Whether ``rate`` shapes it, so that a phase's factor on rates applies to its gaps."""

    def demands(self, pace: Pace, chance: Chance) -> Iterator[Demand]:
        """One agent's demands, without end or until it has had enough."""
        ...
