"""One intent at one instant: what the rules and the built-in safety see of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ratelord_core.engine.state import State
from ratelord_core.forecast.record import risk
from ratelord_core.graph import Binding
from ratelord_core.ledger import Figures
from ratelord_core.model.config import AgentConfig
from ratelord_core.model.decision import Risk
from ratelord_core.model.forecast import Forecast, RiskLevel
from ratelord_core.model.identity import Identity
from ratelord_core.model.ids import Entropy
from ratelord_core.model.instant import Micros, to_seconds
from ratelord_core.model.intent import Intent
from ratelord_core.policy.situation import PoolNow


class Moment:
    """A ``Situation`` over the engine's state. Looks at a pool once, and only when asked. The
    accounts of the intent's pools have been brought to ``now``."""

    def __init__(
        self,
        state: State,
        intent: Intent,
        binding: Binding,
        units: Mapping[str, int],
        now: Micros,
        entropy: Entropy,
    ) -> None:
        self.now = now
        self.intent = intent
        self.binding = binding
        self.system_status = state.system_status
        self.risk_score = state.risk_score
        self._state = state
        self._units = units
        self._entropy = entropy
        self._figures: dict[str, Figures] = {}
        self._outlooks: dict[str, Forecast] = {}
        self._tightest: str | None = None
        self._ranked = False

    @property
    def identity(self) -> Identity | None:
        """The credential that would be charged."""
        return self._state.identities.get(self.intent.identity_id)

    @property
    def agent(self) -> AgentConfig:
        """What the configuration says of the asker."""
        return self._state.agent(self.intent.agent_id)

    @property
    def keys(self) -> Iterable[str]:
        """The pools that this intent draws from."""
        return self._units.keys()

    def draws(self, pool: str) -> bool:
        """Whether this intent draws from a pool."""
        return pool in self._units

    @property
    def tightest(self) -> str | None:
        """The pool that this intent brings nearest to exhaustion, by how likely each runs dry as it
        stands (a value that may be a moment old) and then by how much is left of it."""
        if not self._ranked:
            self._ranked = True
            self._tightest = max(self._units, key=self._tightness, default=None)
        return self._tightest

    def _tightness(self, key: str) -> tuple[float, float]:
        if len(self._units) == 1:
            return (0.0, 0.0)
        figures = self.figures(key)
        if not figures.limit:
            return (0.0, 0.0) if figures.limit is None else (1.0, 1.0)
        standing = self._state.standing(key, figures, self.now)
        p_exhaustion = self._state.book.rank(key, self.now, standing)
        return (p_exhaustion, 1.0 - (figures.available - self._units[key]) / figures.limit)

    def units(self, pool: str) -> int:
        """Units this intent draws from a pool."""
        return self._units.get(pool, 0)

    def total_units(self) -> int:
        """The largest of its draws."""
        return max(self._units.values(), default=0)

    def figures(self, key: str) -> Figures:
        """The account of a pool as it stands."""
        found = self._figures.get(key)
        if found is None:
            account = self._state.ledger.accounts[key]
            found = self._figures[key] = account.figures(self.now)
        return found

    def pool(self, key: str) -> PoolNow:
        """A pool as it stands, before this intent."""
        figures = self.figures(key)
        account = self._state.ledger.accounts[key]
        return PoolNow(
            key,
            account.pool.unit,
            figures.limit,
            figures.used,
            figures.held,
            figures.available,
            figures.reset_at,
            to_seconds(self._state.age(key, self.now)),
            self._state.is_stale(key, self.now),
        )

    def outlook(self, key: str) -> Forecast:
        """The pool's forecast with this intent."""
        found = self._outlooks.get(key)
        if found is None:
            units = self._units.get(key, 0)
            found = self._state.outlook(key, self.figures(key), self.now, units=units)
            self._outlooks[key] = found
        return found

    def level(self, key: str) -> RiskLevel:
        """The pool's risk level with this intent."""
        return self._state.level(key, self.outlook(key), self.figures(key), self.now)

    def risk_seen(self) -> Risk | None:
        """The tightest pool's risk with this intent, as it is recorded."""
        key = self.tightest
        return None if key is None else risk(key, self.outlook(key))

    def jitter(self, limit: Micros) -> Micros:
        """A random span of at most ``limit`` µs."""
        if limit <= 0:
            return 0
        return int.from_bytes(self._entropy.random_bytes(7), "big") % (limit + 1)
