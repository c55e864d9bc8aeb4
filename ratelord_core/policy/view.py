"""The situation as one policy sees it: with the pool that ``pool``, ``risk`` and ``tte`` mean."""

from __future__ import annotations

import math
from datetime import datetime
from zoneinfo import ZoneInfo

from ratelord_core.model.config import AgentConfig
from ratelord_core.model.forecast import Forecast
from ratelord_core.model.identity import Identity
from ratelord_core.model.ids import split_pool_key
from ratelord_core.model.instant import SECOND, to_datetime
from ratelord_core.policy.situation import PoolNow, Situation

_NO_POOL = PoolNow("", "", None, 0, 0, 0, None)
_NO_RISK = Forecast()
_NOBODY = Identity("", kind="")


class View:
    """Looks things up once per decision. ``focus`` is a pool key, or None: the tightest pool.

    Without any pool nothing can run dry: ``remaining`` and times are infinite, the risk is 0.
    """

    __slots__ = ("_pool", "focus", "intent", "situation")

    def __init__(self, situation: Situation, focus: str | None = None) -> None:
        self.situation = situation
        self.intent = situation.intent
        self.focus = focus or situation.tightest
        self._pool: PoolNow | None = None

    @property
    def identity(self) -> Identity | None:
        """The credential that would be charged, if it is known."""
        return self.situation.identity

    @property
    def agent(self) -> AgentConfig:
        """What the configuration says of the asker."""
        return self.situation.agent

    @property
    def known_as(self) -> Identity:
        """What is known of the identity; of an unknown one, nothing."""
        return self.identity or _NOBODY

    @property
    def pool(self) -> PoolNow:
        """The pool as it stands, before this intent."""
        pool = self._pool
        if pool is None:
            pool = self._pool = self.situation.pool(self.focus) if self.focus else _NO_POOL
        return pool

    @property
    def outlook(self) -> Forecast:
        """The pool's forecast with this intent."""
        return self.situation.outlook(self.focus) if self.focus else _NO_RISK

    @property
    def moment(self) -> datetime:
        """The instant, by the clock in the policy's zone."""
        zone = self.situation.timezone
        moment = to_datetime(self.situation.now)
        return moment if zone == "UTC" else moment.astimezone(ZoneInfo(zone))

    def share(self, part: int) -> float:
        """The asker's part of what is used and held of the pool: its agent's (0), its identity's
        (1) or its scope's (2)."""
        return self.situation.share(self.focus, part) if self.focus else 0.0

    def scope(self, kind: str) -> str:
        """The id of the nearest scope of that kind, the intent's own or one above it."""
        starts = f"{kind}:"
        return next((one for one in self.situation.scopes if one.startswith(starts)), "")

    def scope_part(self, part: int) -> str:
        """What stands before (0) and after (2) the colon of the intent's scope."""
        return self.intent.scope_id.partition(":")[part]

    @property
    def parent(self) -> str:
        """The scope right above the intent's own."""
        scopes = self.situation.scopes
        return scopes[1] if len(scopes) > 1 else ""

    @property
    def money(self) -> PoolNow:
        """The money pool that the intent draws from."""
        key = self.situation.money()
        return self.situation.pool(key) if key else _NO_POOL

    @property
    def level(self) -> str:
        """The pool's risk level with this intent."""
        return self.situation.level(self.focus) if self.focus else "ok"

    @property
    def provider_id(self) -> str:
        """The provider of the pool, else the one that the intent names, else nothing."""
        if self.focus:
            return split_pool_key(self.focus)[0]
        return self.intent.provider_id or ""

    @property
    def limit(self) -> float:
        """Infinite while nobody knows it."""
        limit = self.pool.limit
        return math.inf if limit is None else float(limit)

    @property
    def remaining(self) -> float:
        """Units available before this intent; infinite while no limit is known."""
        pool = self._pool or self.pool
        return math.inf if pool.limit is None else float(pool.available)

    @property
    def remaining_percent(self) -> float:
        """Remaining in percent of the limit; of a limit of 0 nothing remains."""
        limit = self.pool.limit
        if limit is None:
            return 100.0
        return 100.0 * self.pool.available / limit if limit else 0.0

    @property
    def utilization(self) -> float:
        """Used and held as a part of the limit: 0 … 1, above it if more was used than allowed."""
        limit = self.pool.limit
        if limit is None:
            return 0.0
        return (self.pool.used + self.pool.held) / limit if limit else 1.0

    @property
    def seconds_to_reset(self) -> float:
        """Infinite if no reset is known; 0 if it is due."""
        reset_at = self.pool.reset_at
        return math.inf if reset_at is None else max(0, reset_at - self.situation.now) / SECOND

    @property
    def units(self) -> float:
        """Units that the intent draws from the pool."""
        if self.focus:
            return float(self.situation.units(self.focus))
        return float(self.situation.total_units())

    @property
    def expected_cost(self) -> float:
        """What the asker expects; if it did not say, what is estimated."""
        said = self.intent.expected_cost
        return float(self.situation.total_units() if said is None else said)

    @property
    def estimated_cost(self) -> float:
        """Micro-USD; where nothing has a price, the largest of its draws in units."""
        cost = self.situation.cost
        return float(self.situation.total_units() if cost is None else cost)

    @property
    def is_weekend(self) -> bool:
        """Saturday or Sunday."""
        return self.moment.weekday() >= 5

    @property
    def is_business_hours(self) -> bool:
        """Monday to Friday, 9 to 17 o'clock."""
        return not self.is_weekend and 9 <= self.moment.hour < 17
