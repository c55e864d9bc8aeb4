"""Holds: units set aside for one intent, on every pool that it draws from, until they resolve."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Protocol

import msgspec

from ratelord_core.model.instant import Micros
from ratelord_core.model.party import NOBODY as NOBODY  # noqa: PLC0414 - every account uses it
from ratelord_core.model.party import Party as Party  # noqa: PLC0414 - the same

NEVER: Micros = 2**62
"""Later than any instant."""


class Asker(msgspec.Struct, frozen=True, gc=False):
    """Whom a hold is for. ``weight`` is the agent's share when a pool is contended; ``urgent``
    intents may use what is kept in reserve; ``groups`` are the shares that it belongs to."""

    party: Party
    weight: float = 1.0
    urgent: bool = False
    workload: str = ""
    groups: tuple[str, ...] = ()

    @property
    def agent(self) -> str:
        """The agent's id."""
        return self.party[0]


class Need(msgspec.Struct, frozen=True, gc=False):
    """Units wanted from a pool, for at most ``lifetime`` µs from the start."""

    pool: str
    units: int
    lifetime: Micros


class Wanted(Protocol):
    """A need, or the record of one."""

    @property
    def pool(self) -> str: ...
    @property
    def units(self) -> int: ...
    @property
    def lifetime(self) -> Micros: ...


class Leg(msgspec.Struct, eq=False, gc=False):
    """One pool's part of a hold: it counts from ``start`` and expires at ``end``.

    Like a hold it is part of no cycle, so the garbage collector need not look at it: there are
    hundreds of thousands.
    """

    intent_id: str
    asker: Asker
    pool: str
    units: int
    start: Micros
    end: Micros
    open: bool = True
    """Whether it has not resolved."""
    started: bool = False
    endless: bool = False
    """Whether it outlives every window that is looked ahead to, and so counts in all."""
    promised: Micros | None = None
    """The window (by its end) in which it was promised to start, if that was a later one."""


class Resolved(msgspec.Struct, frozen=True, gc=False):
    """How a leg ended: ``used`` units (0 = freed), counted as of ``at``."""

    pool: str
    held: int
    used: int
    at: Micros
    expired: bool = False


class Reset(msgspec.Struct, frozen=True):
    """A window ended at ``at`` with ``used`` units; the next one ends at ``next_at``."""

    pool: str
    used: int
    at: Micros
    next_at: Micros | None


class Reconciled(msgspec.Struct, frozen=True):
    """What an observation changed. ``surplus`` is usage nobody had told the ledger of; ``drift``
    how far the provider's number lies outside ``low`` … ``high``, what the ledger could explain."""

    changed: bool = False
    surplus: int = 0
    drift: int = 0
    low: int = 0
    high: int = 0
    observed: int | None = None


class Figures(msgspec.Struct, frozen=True, gc=False):
    """A pool's account at one instant. ``scheduled`` are promised units that have not started;
    ``available`` is what could start now."""

    limit: int | None
    used: int
    held: int
    scheduled: int
    available: int
    reset_at: Micros | None


class Terms(msgspec.Struct, frozen=True):
    """Rules of the house that shape accounts."""

    high_reserve_percent: float = 5.0


class Proposal(msgspec.Struct, frozen=True, gc=False):
    """When the needs fit together; None: at no instant that is known. ``blocker`` is the pool
    that kept the start away from the earliest instant asked for."""

    start: Micros | None
    blocker: str | None = None


class Hold(msgspec.Struct, eq=False, gc=False):
    """One intent's units on all its pools: open legs and those that have resolved."""

    intent_id: str
    asker: Asker
    start: Micros
    legs: dict[str, Leg] = {}
    resolved: dict[str, Resolved] = {}
    report: str | None = None
    """A digest of the report that settled it."""
    note: Any = None
    """What whoever placed it wants to find again; the ledger does not look at it."""
    asked_as: str = ""
    """The identity in whose name it was asked, where another one is charged."""

    @property
    def owner(self) -> str:
        """The identity that may settle it."""
        return self.asked_as or self.asker.party[1]


class Settlement(msgspec.Struct, frozen=True):
    """What a report did: each pool's outcome; ``late`` if some part had expired before."""

    lines: tuple[Resolved, ...]
    late: bool


_pool_of = attrgetter("pool")


def by_pool(needs: Sequence[Wanted]) -> Sequence[Wanted]:
    """One need for each pool: what is wanted twice from one adds up."""
    many = len(needs)
    if many < 2 or (many == 2 and needs[0].pool != needs[1].pool):  # as nearly always
        return needs
    if len(set(map(_pool_of, needs))) == many:
        return needs
    merged: dict[str, Need] = {}
    for need in needs:
        before = merged.get(need.pool, Need(need.pool, 0, 0))
        longest = max(before.lifetime, need.lifetime)
        merged[need.pool] = Need(need.pool, before.units + need.units, longest)
    return tuple(merged.values())
