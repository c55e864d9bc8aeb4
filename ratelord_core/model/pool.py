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


WHOLE: Final = 100 * 1_000_000
"""All of a pool: parts of it are kept in millionths of a percent, so that units come out exact."""
PART: Final = "~"
"""Stands between the key of a pool that is counted for each value apart, and the value. No id
holds it."""


class Share(msgspec.Struct, frozen=True, omit_defaults=True):
    """A part of a pool for whoever the pattern ``of`` names, in millionths of a percent of the
    limit: ``least`` is kept for them, ``most`` is all they may have (None: no bound)."""

    of: str
    least: int = 0
    most: int | None = None


class Pool(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is declared about a pool: its unit, limit, window and who may draw from it.

    ``limit`` None: not known until a provider reports it; such a pool does not bind yet.
    ``local`` pools are caps of our own; the others are enforced by a provider and observed.
    ``members`` are identities; empty means everybody. ``shared_by`` (local caps) are patterns over
    agents, identities, workloads and scopes, ``*`` for all. A pool that is not ``default`` is drawn
    from only by workloads that list it, or by a pin. One that names ``models`` (see
    ``is_one_of``) is drawn from only by intents whose model is one of them. ``hold_for`` (µs) is
    how long a hold lives where the provider charges a call when it begins: then it is use, as it is
    at the provider, whenever the report comes (None: as the settings say).

    ``per`` names what has an amount of its own for each value: ``agent``, ``identity``,
    ``workload``, ``scope``, ``label:KEY`` or ``client_context.KEY``. ``reserve`` is the part for
    urgent intents (None: as the settings say), ``shares`` the parts of others. A ``soft`` cap
    counts and warns, but never binds.
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
    per: str = ""
    reserve: int | None = None
    shares: tuple[Share, ...] = ()
    soft: bool = False
    models: tuple[str, ...] = ()
    hold_for: int | None = None

    @property
    def key(self) -> str:
        """``provider_id/pool_id``."""
        return pool_key(self.provider_id, self.pool_id)

    @property
    def short_key(self) -> str:
        """``provider_id/tokens`` of the pool ``provider_id/gpt-x/tokens``: how whoever names the
        model anyway may name its pools in ``costs``. "" for a pool of no model."""
        if not self.models:
            return ""
        return pool_key(self.provider_id, self.pool_id.rpartition("/")[2])

    def part(self, value: str) -> Pool:
        """The pool that one value has for itself."""
        return msgspec.structs.replace(self, pool_id=f"{self.pool_id}{PART}{value}", per="")


def declared_key(key: str) -> str:
    """The key as the policy file writes it: a part goes by the name of its pool."""
    return key.partition(PART)[0]
