"""A situation that is what it is told to be: for tests of rules and actions."""

from __future__ import annotations

import msgspec

from ratelord_core.control import Paced
from ratelord_core.model.config import AgentConfig
from ratelord_core.model.forecast import Forecast, RiskLevel
from ratelord_core.model.identity import Identity
from ratelord_core.model.instant import Micros
from ratelord_core.model.intent import Intent
from ratelord_core.model.pool import MONEY
from ratelord_core.model.spent import NOTHING, Spent
from ratelord_core.policy.situation import PoolNow

ASKED = Intent("crawler-01", "pat:rmax", "repo_scan", "repo:acme/api")
"""An intent that asks for nothing special."""


class FixedSituation(msgspec.Struct):
    """One intent at one instant, everything given: pools, forecasts and levels by pool key, draws
    in units. ``looked_at`` collects what was asked for, as (what, pool key). Jitter is its limit.
    """

    now: Micros = 1_767_225_600_000_000
    intent: Intent = ASKED
    identity: Identity | None = None
    agent: AgentConfig = AgentConfig()
    tightest: str | None = None
    system_status: str = "ok"
    degraded: bool = False
    risk_score: int = 0
    scopes: tuple[str, ...] = ("repo:acme/api", "org:acme", "global")
    timezone: str = "UTC"
    cost: int | None = None
    shares: dict[str, float] = {}
    sums: dict[str, Spent] = {}
    draws: dict[str, int] = {}
    pools: dict[str, PoolNow] = {}
    forecasts: dict[str, Forecast] = {}
    levels: dict[str, RiskLevel] = {}
    provider_states: dict[str, str] = {}
    paces: dict[str, Micros] = {}
    looked_at: list[tuple[str, str]] = []

    def units(self, pool: str) -> int:
        """Units this intent draws from a pool; 0 if none."""
        return self.draws.get(pool, 0)

    def total_units(self) -> int:
        """The largest of its draws."""
        return max(self.draws.values(), default=1)

    def pool(self, key: str) -> PoolNow:
        """The pool as given; ``KeyError`` if nobody gave it."""
        self.looked_at.append(("pool", key))
        return self.pools[key]

    def provider_state(self, key: str) -> str:
        """As given; of an unlisted pool, nothing."""
        return self.provider_states.get(key, "")

    def outlook(self, key: str) -> Forecast:
        """The forecast as given; of an unlisted pool, that nothing will happen."""
        self.looked_at.append(("outlook", key))
        return self.forecasts.get(key, Forecast())

    def level(self, key: str) -> RiskLevel:
        """The level as given; of an unlisted pool, ``ok``."""
        self.looked_at.append(("level", key))
        return self.levels.get(key, "ok")

    def share(self, key: str, part: int) -> float:
        """The pool's share as given, whoever's it is; 0 of an unlisted pool."""
        self.looked_at.append(("share", key))
        return self.shares.get(key, 0.0)

    def money(self) -> str | None:
        """The first pool of money among those given."""
        return next((key for key, pool in self.pools.items() if pool.unit == MONEY), None)

    def spent(self, whose: str) -> Spent:
        """The sum as given."""
        return self.sums.get(whose, NOTHING)

    def pace(self, rule: int, pool: str, paced: Paced, *, binding: bool) -> Micros:
        """As given; of an unlisted pool, none."""
        self.looked_at.append(("pace", pool))
        return self.paces.get(pool, 0)

    def jitter(self, limit: Micros) -> Micros:
        """All of it."""
        return limit
