"""Holds: units set aside for one intent, on every pool that it draws from, until they resolve."""

from __future__ import annotations

import msgspec

from ratelord_core.model.instant import Micros

Party = tuple[str, str, str]
"""Agent, identity and scope: whom usage is attributed to."""

NEVER: Micros = 2**62
"""Later than any instant."""


class Asker(msgspec.Struct, frozen=True, gc=False):
    """Whom a hold is for. ``weight`` is the agent's share when a pool is contended; ``urgent``
    intents may use what is kept in reserve."""

    party: Party
    weight: float = 1.0
    urgent: bool = False
    workload: str = ""

    @property
    def agent(self) -> str:
        """The agent's id."""
        return self.party[0]


class Need(msgspec.Struct, frozen=True, gc=False):
    """Units wanted from a pool, for at most ``lifetime`` µs from the start."""

    pool: str
    units: int
    lifetime: Micros


class Leg:
    """One pool's part of a hold: it counts from ``start`` and expires at ``end``."""

    __slots__ = (
        "asker",
        "end",
        "endless",
        "intent_id",
        "pool",
        "promised",
        "start",
        "started",
        "units",
    )

    def __init__(
        self, intent_id: str, asker: Asker, pool: str, units: int, start: Micros, end: Micros
    ) -> None:
        self.intent_id = intent_id
        self.asker = asker
        self.pool = pool
        self.units = units
        self.start = start
        self.end = end
        self.started = False
        self.endless = False
        """Whether it outlives every window that is looked ahead to, and so counts in all."""
        self.promised: Micros | None = None
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
