"""A pool: a named amount of something that several parties draw from."""

from __future__ import annotations

from typing import Final

import msgspec

from ratelord_core.model.ids import pool_key
from ratelord_core.model.window import Window

MAX_UNITS: Final = 2**53 - 1
"""The largest amount; every JSON reader holds it exactly."""
MONEY: Final = "microusd"
"""The unit of pools that hold money: millionths of a US dollar."""


class Pool(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is declared about a pool: its unit, limit, window and who may draw from it.

    ``limit`` None: not known until a provider reports it; such a pool does not bind yet.
    ``local`` pools are caps of our own; the others are enforced by a provider and observed.
    ``members`` are identities; empty means everybody. ``shared_by`` (local caps) are patterns over
    agents, identities, workloads and scopes, ``*`` for all. A pool that is not ``default`` is drawn
    from only by workloads that list it, or by a pin.
    """

    provider_id: str
    pool_id: str
    unit: str = "requests"
    limit: int | None = None
    window: Window = Window(kind="unbounded")
    local: bool = False
    members: tuple[str, ...] = ()
    shared_by: tuple[str, ...] = ()
    default: bool = True

    @property
    def key(self) -> str:
        """``provider_id/pool_id``."""
        return pool_key(self.provider_id, self.pool_id)
