"""A policy on the stage: the real engine, asked in virtual time what was asked in the past."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Final

from ratelord_core.clock import SeededEntropy
from ratelord_core.engine import Engine, State
from ratelord_core.engine.negotiator import Repeated
from ratelord_core.errors import Refused
from ratelord_core.events.payloads import IntentDecided, IntentReported, Payload, ProviderError
from ratelord_core.ledger import Hold
from ratelord_core.model.instant import SECOND, Micros
from ratelord_core.model.intent import Intent, Report
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import Pool
from ratelord_core.policy.stack import PolicyStack
from ratelord_core.provider import PollResult

_LOOKS: Final[Micros] = SECOND
"""How often a daemon looks around by itself."""


class Candidate:
    """Decides, settles and observes as a daemon under that policy would have done."""

    def __init__(
        self,
        state: State,
        policy: PolicyStack,
        pools: tuple[Pool, ...],
        intervals: dict[str, Micros],
        seed: int,
        now: Micros,
    ) -> None:
        self.engine = Engine(state, policy, SeededEntropy(seed))
        self.engine.negotiator.offers_alternatives = False
        self.engine.configure(policy, pools, now)
        self._intervals = intervals
        state.polling.intervals = {}
        for record in state.providers:
            self.watch(record.provider_id)
        self.engine.take()
        self.now = now
        self.settled: dict[str, int] = {}
        """Units used of each pool."""
        self.cost = 0
        """Micro-USD that was spent, as far as prices are known."""
        self._looked: Micros = 0
        self._due: list[tuple[Micros, int, str, Report]] = []
        self._planned = 0

    @property
    def state(self) -> State:
        """The state that its decisions led to."""
        return self.engine.state

    def watch(self, account_id: str) -> None:
        """From here on the account is polled, so that its data may grow old."""
        polling = self.state.polling
        every = self._intervals.get(account_id.partition("/")[0])
        if every is not None and account_id not in polling.intervals:
            polling.intervals = {**polling.intervals, account_id: every}

    # --- time ---------------------------------------------------------------------------------

    def reach(self, at: Micros) -> None:
        """Let everything happen that is due by then."""
        due = self._due
        while due and due[0][0] <= at:
            when, _, intent_id, report = heappop(due)
            self._look(when)
            self._settle(intent_id, report, when)
        self._look(at)

    def _look(self, at: Micros) -> None:
        self.now = max(self.now, at)
        if self.now - self._looked >= _LOOKS:
            self._looked = self.now
            self.engine.lookout.look(self.now)
            self.engine.take()

    # --- what was asked and done --------------------------------------------------------------

    def ask(
        self, intent: Intent, waived: tuple[str, str] | None = None
    ) -> tuple[str, IntentDecided] | None:
        """The answer, and the name that it goes by here; None if the question makes no sense.
        ``waived`` is the rule that a human set aside: it steps back here too if it may."""
        if waived is not None and not self.engine.policy.is_overridable(*waived):
            waived = None
        try:
            decision = self.engine.negotiator.negotiate(intent, self.now, "backtest", waived)
        except Refused:
            self.engine.take()
            return None
        found = None
        for draft in self.engine.take():
            if isinstance(draft.payload, IntentDecided):
                found = draft.payload
        if found is None or isinstance(decision, Repeated):
            return None
        return decision.intent_id, found

    def settle_at(self, when: Micros, intent_id: str, report: Report) -> None:
        """Settle an intent at that instant."""
        self._planned += 1
        heappush(self._due, (when, self._planned, intent_id, report))

    def _settle(self, intent_id: str, report: Report, when: Micros) -> None:
        self.engine.settler.report(intent_id, report, "backtest", max(when, self.now), "backtest")
        for draft in self.engine.take():
            payload = draft.payload
            if isinstance(payload, IntentReported):
                self._count(payload)

    def _count(self, told: IntentReported) -> None:
        self.cost += max(0, told.cost)
        for pool, units in told.settled:
            self.settled[pool] = self.settled.get(pool, 0) + units

    def hold_of(self, intent_id: str) -> Hold | None:
        """What an intent holds, or held."""
        return self.state.ledger.find(intent_id)

    def extend(self, intent_id: str, until: Micros) -> None:
        """Let its holds live longer, if that fits."""
        try:
            span = max(0, until - self.now)
            self.engine.settler.extend(intent_id, span, self.now, "backtest")
        except Refused:
            pass  # it had ended by then, or it does not fit: it ends when it ends
        self.engine.take()

    # --- what the world said ------------------------------------------------------------------

    def hear(self, payload: Payload) -> None:
        """Something happened that no policy has a say in."""
        if isinstance(payload, ProviderError):
            self.watch(payload.provider_id)
        self.engine.write(self.now, payload)
        self.engine.take()

    def declare(self, pool: Pool) -> None:
        """A provider told of a pool."""
        self.engine.observer.declare([pool], self.now)
        self.engine.take()

    def polled(
        self, account_id: str, plugin: str, version: str, result: PollResult, next_poll: Micros
    ) -> None:
        """A poll succeeded."""
        self.watch(account_id)
        observer = self.engine.observer
        observer.polled(account_id, plugin, version, result, next_poll, self.now)
        self.engine.take()

    def observe(self, seen: Observation, origin: str) -> bool:
        """Numbers were seen in passing; False if this policy does not know their provider."""
        try:
            self.engine.observer.in_passing([seen], self.now, origin, "backtest")
        except Refused:
            return False
        finally:
            self.engine.take()
        return True
