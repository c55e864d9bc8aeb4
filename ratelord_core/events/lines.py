"""Lines of payloads: small records that come in lists, written as arrays."""

from __future__ import annotations

from typing import Any

import msgspec

from ratelord_core.model.instant import Micros


class PluginSeen(msgspec.Struct, frozen=True, array_like=True):
    """A plugin that was present at a start."""

    name: str
    version: str
    distribution: str


class SecondLook(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The rules that were looked at for a substitute: as ``looked``, ``held`` and ``saw`` of the
    decision tell it of what was asked."""

    looked: str
    held: dict[str, str] = {}
    saw: dict[str, Any] = {}


class PacedLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where a controller let an intent start: the rule (by its number), the pool and its units, the
    wait, and by how much later the next of all, and the next of the same agent, may start."""

    rule: int
    pool: str
    units: int
    wait: Micros
    gap: Micros
    turn: Micros


class HeldLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One pool's part of a hold; spans count from the event's ``ts_event``, -1 = no known reset."""

    pool: str
    units: int
    remaining: int
    reset_in: Micros
    lifetime: Micros
