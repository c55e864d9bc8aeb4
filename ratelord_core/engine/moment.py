"""One intent at one instant: what the rules and the built-in safety see of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ratelord_core.control import Paced
from ratelord_core.engine import steering
from ratelord_core.engine.course import Course, Lane
from ratelord_core.engine.state import State
from ratelord_core.events.lines import PacedLine
from ratelord_core.forecast import ForecastBook, Standing
from ratelord_core.ledger import Figures, Need
from ratelord_core.model.config import AgentConfig
from ratelord_core.model.forecast import Forecast, RiskLevel
from ratelord_core.model.identity import Identity
from ratelord_core.model.ids import Entropy
from ratelord_core.model.instant import Micros, from_seconds, to_seconds
from ratelord_core.model.intent import Intent
from ratelord_core.model.pool import MONEY
from ratelord_core.model.spent import NOTHING, Spent
from ratelord_core.policy.situation import PoolNow


class Moment:
    """A ``Situation`` over the engine's state. The accounts of the intent's pools, which have been
    brought to ``now``, are read once; forecasts and what else rules may ask for, when they do."""

    def __init__(
        self,
        state: State,
        intent: Intent,
        course: Course,
        needs: Sequence[Need],
        now: Micros,
        entropy: Entropy,
        cost: int | None = None,
    ) -> None:
        self.now = now
        self.intent = intent
        self.course = course
        self.cost = cost
        """What it is expected to cost in micro-USD; None: nobody knows a price."""
        self.state = state
        self._entropy = entropy
        self.figures: dict[str, Figures] = {}
        """The accounts of the intent's pools as they stand."""
        self._standings: dict[str, Standing] = {}
        self._units: dict[str, int] = {}
        self._outlooks: dict[str, Forecast] = {}
        self.paced: tuple[PacedLine, ...] = ()
        """Where controllers let it start."""
        self.tightest: str | None = None
        """The pool that this intent brings nearest to exhaustion, by how likely each runs dry as it
        stands (a value that may be a moment old) and then by how much is left of it."""
        self._most = (-1.0, 0.0)
        self._look(course.lanes, needs, several=len(needs) > 1 or bool(course.caps))

    def draw(self, lanes: Sequence[Lane], needs: Sequence[Need]) -> None:
        """It draws from these pools as well, whose accounts have been brought to ``now``."""
        self._look(lanes, needs, several=True)

    def _look(self, lanes: Sequence[Lane], needs: Sequence[Need], *, several: bool) -> None:
        state, now, book = self.state, self.now, self.state.book
        most, polled = self._most, state.polling.intervals
        for lane, need in zip(lanes, needs, strict=True):
            pool, units = lane.pool, need.units
            figures = self.figures[pool] = lane.account.figures(now)
            standing = self._standings[pool] = (
                state.standing(pool, figures, now)
                if polled
                else Standing(figures.available, figures.reset_at)
            )
            self._units[pool] = units
            if lane.soft:  # what binds nobody is nobody's risk
                continue
            tight = tightness(book, need, figures, standing, now) if several else _LOOSE
            if tight > most:
                self.tightest, most = pool, tight
        self._most = most

    @property
    def pools(self) -> Iterable[str]:
        """The pools that it draws from and that bind it."""
        soft = self.course.soft
        return [pool for pool in self.figures if pool not in soft] if soft else list(self.figures)

    @property
    def system_status(self) -> str:
        """ok, warning or critical."""
        return self.state.system_status

    @property
    def risk_score(self) -> int:
        """0 to 100: the highest exhaustion probability over pools."""
        return self.state.risk_score

    @property
    def identity(self) -> Identity | None:
        """The credential that would be charged."""
        return self.state.identities.get(self.intent.identity_id)

    @property
    def agent(self) -> AgentConfig:
        """What the configuration says of the asker."""
        return self.state.agent(self.intent.agent_id)

    @property
    def scopes(self) -> tuple[str, ...]:
        """The intent's scopes, from its own up to ``global``."""
        return self.course.binding.scopes

    @property
    def timezone(self) -> str:
        """The zone whose clock rules go by."""
        return self.state.settings.timezone

    def share(self, key: str, part: int) -> float:
        """The part of what is used and held in a pool that is the asker's agent's (0), identity's
        (1) or scope's (2)."""
        intent = self.intent
        name = (intent.agent_id, intent.identity_id, intent.scope_id)[part]
        return self.state.ledger.accounts[key].share(part, name)

    def money(self) -> str | None:
        """The money pool that it draws from, of several the one with the least left."""
        pools = [lane.pool for lane in self.course.lanes if lane.unit == MONEY]
        return min(pools, key=lambda pool: self.figures[pool].available, default=None)

    def spent(self, whose: str) -> Spent:
        """What the asker's agent, run or task has taken so far."""
        intent = self.intent
        name = {"agent": intent.agent_id, "run": intent.run, "task": intent.task}[whose]
        return self.state.spending.of(f"{whose}:{name}") if name else NOTHING

    def units(self, pool: str) -> int:
        """Units this intent draws from a pool."""
        return self._units.get(pool, 0)

    def total_units(self) -> int:
        """The largest of its draws; micro-USD are no units beside others."""
        accounts = self.state.ledger.accounts
        counted = [n for pool, n in self._units.items() if accounts[pool].pool.unit != MONEY]
        return max(counted or self._units.values(), default=0)

    def pool(self, key: str) -> PoolNow:
        """A pool as it stands, before this intent."""
        figures = self.figures.get(key) or self._figures(key)
        polling = self.state.polling
        age, stale = 0.0, False
        if polling.intervals:
            age, stale = to_seconds(polling.age(key, self.now)), polling.is_stale(key, self.now)
        return PoolNow(
            key,
            self.state.ledger.accounts[key].pool.unit,
            figures.limit,
            figures.used,
            figures.held,
            figures.available,
            figures.reset_at,
            age,
            stale,
        )

    @property
    def degraded(self) -> bool:
        """Whether some provider's polls fail."""
        return self.state.degraded

    def provider_state(self, key: str) -> str:
        """How the pool's provider fares; empty for a pool that nobody polls."""
        return self.state.polling.state_of(key)

    def _figures(self, key: str) -> Figures:
        found = self.figures.get(key)
        return self.state.ledger.accounts[key].figures(self.now) if found is None else found

    def _standing(self, key: str) -> Standing:
        found = self._standings.get(key)
        return self.state.standing(key, self._figures(key), self.now) if found is None else found

    def outlook(self, key: str) -> Forecast:
        """The pool's forecast with this intent."""
        found = self._outlooks.get(key)
        if found is None:
            standing = self._standings.get(key) or self._standing(key)
            found = self.state.book.with_intent(key, self.now, standing, self._units.get(key, 0))
            self._outlooks[key] = found
        return found

    def level(self, key: str) -> RiskLevel:
        """The pool's risk level with this intent."""
        return self.state.book.level(key, self.outlook(key), self._standing(key))

    def pace(self, rule: int, pool: str, paced: Paced, *, binding: bool) -> Micros:
        """How long the rule's controller lets the intent wait for a pool; ``binding``: if it is
        answered so, it takes its place."""
        line = steering.ask(self, rule, pool, paced)
        if line is None:
            return 0
        if binding:
            self.paced = (*self.paced, line)
        most = paced.params.jitter_max_seconds
        return line.wait + (self.jitter(from_seconds(most)) if most and line.wait else 0)

    def jitter(self, limit: Micros) -> Micros:
        """A random span of at most ``limit`` µs."""
        if limit <= 0:
            return 0
        return int.from_bytes(self._entropy.random_bytes(7), "big") % (limit + 1)


def tightness(
    book: ForecastBook, need: Need, figures: Figures, standing: Standing, now: Micros
) -> tuple[float, float]:
    """How near an intent brings a pool to exhaustion, among several: how likely it runs dry as it
    stands (a value that may be a moment old), then the part of it that will be taken."""
    limit = figures.limit
    if not limit:
        return _LOOSE if limit is None else (1.0, 1.0)
    left = (figures.available - need.units) / limit
    return book.rank(need.pool, now, standing), 1.0 - left


_LOOSE = (0.0, 0.0)
