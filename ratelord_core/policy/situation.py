"""What a rule can see of the intent and of the world at the moment of deciding."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import msgspec

from ratelord_core.control.pacing import Paced
from ratelord_core.model.config import AgentConfig
from ratelord_core.model.forecast import Forecast, RiskLevel
from ratelord_core.model.identity import Identity
from ratelord_core.model.instant import Micros
from ratelord_core.model.intent import Intent
from ratelord_core.model.spent import Spent


class PoolNow(msgspec.Struct, frozen=True, gc=False):
    """A pool as it stands, before this intent. ``limit`` None = not known yet. ``staleness`` is
    the age of provider data in seconds (0 for local pools)."""

    key: str
    unit: str
    limit: int | None
    used: int
    held: int
    available: int
    reset_at: Micros | None
    staleness: float = 0.0
    stale: bool = False


class Situation(Protocol):
    """One intent at one instant. Everything is computed when it is looked at, and only then."""

    @property
    def now(self) -> Micros:
        """The instant of deciding."""
        ...

    @property
    def intent(self) -> Intent:
        """What was asked."""
        ...

    @property
    def identity(self) -> Identity | None:
        """The credential that would be charged, if it is known."""
        ...

    @property
    def agent(self) -> AgentConfig:
        """What the configuration says of the asker."""
        ...

    @property
    def scopes(self) -> tuple[str, ...]:
        """The intent's scopes, from its own up to ``global``."""
        ...

    @property
    def timezone(self) -> str:
        """The IANA name of the zone whose clock rules go by."""
        ...

    @property
    def cost(self) -> int | None:
        """Micro-USD that the intent is expected to cost; None = nobody knows a price."""
        ...

    @property
    def tightest(self) -> str | None:
        """The key of the pool that this intent brings nearest to exhaustion; None = it draws from
        none."""
        ...

    @property
    def pools(self) -> Iterable[str]:
        """The keys of all pools that it draws from and that bind it."""
        ...

    @property
    def system_status(self) -> str:
        """ok, warning or critical."""
        ...

    @property
    def degraded(self) -> bool:
        """Whether some provider's polls fail."""
        ...

    @property
    def risk_score(self) -> int:
        """0 to 100: the highest exhaustion probability over pools."""
        ...

    def units(self, pool: str) -> int:
        """Units this intent draws from a pool; 0 if none."""
        ...

    def total_units(self) -> int:
        """The largest of its draws: the intent's cost in units. Micro-USD count only where it
        draws nothing else."""
        ...

    def pool(self, key: str) -> PoolNow:
        """A pool as it stands."""
        ...

    def provider_state(self, key: str) -> str:
        """How the pool's provider fares: initializing, healthy, degraded or open; empty for a pool
        that nobody polls."""
        ...

    def outlook(self, key: str) -> Forecast:
        """The pool's forecast with this intent."""
        ...

    def level(self, key: str) -> RiskLevel:
        """The pool's risk level with this intent."""
        ...

    def share(self, key: str, part: int) -> float:
        """The part (0 … 1) of what is used and held in the pool's present window that is the
        asker's: its agent's (0), its identity's (1) or its scope's (2)."""
        ...

    def money(self) -> str | None:
        """The key of the money pool that it draws from, of several the one with the least left."""
        ...

    def spent(self, whose: str) -> Spent:
        """What the asker's ``agent``, ``run`` or ``task`` has taken so far; nothing if it names
        none."""
        ...

    def pace(self, rule: int, pool: str, paced: Paced, *, binding: bool) -> Micros:
        """How long a controller lets the intent wait for a pool, by the rule of that number;
        ``binding``: if it is answered so, it takes its place."""
        ...

    def jitter(self, limit: Micros) -> Micros:
        """A random span of at most ``limit`` µs."""
        ...
