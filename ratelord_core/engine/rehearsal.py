"""Rehearses a plan: every intent is decided after the ones before it, on a ledger of its own.

The pools that the plan draws from are copied, accounts and forecasts, and what is decided is folded
into the copies as it would be into the state. Nothing is written down, no hold is placed, no
estimate learns.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy, deepcopy

from ratelord_core.engine.answering import decision_of
from ratelord_core.engine.course import Course, draws_of
from ratelord_core.engine.folds.intents import decided as fold
from ratelord_core.engine.negotiator import Negotiator
from ratelord_core.engine.question import submitted
from ratelord_core.engine.scribe import Scribe
from ratelord_core.engine.state import State
from ratelord_core.errors import InvalidRequest
from ratelord_core.ledger import Ledger
from ratelord_core.model.decision import Decision
from ratelord_core.model.ids import Entropy
from ratelord_core.model.instant import Micros
from ratelord_core.model.intent import Intent
from ratelord_core.policy.stack import PolicyStack


def rehearse(
    state: State, policy: PolicyStack, entropy: Entropy, intents: Sequence[Intent], now: Micros
) -> list[Decision]:
    """The answers that these intents would get, asked one after another at ``now``.

    Every account must have been brought to ``now`` before. Raises ``InvalidRequest`` for a pin
    that names nothing.
    """
    return _Stage(state, policy, entropy).play(intents, now)


class _Stage(Negotiator):
    """A negotiator on a pretended ledger."""

    def __init__(self, state: State, policy: PolicyStack, entropy: Entropy) -> None:
        pretended = copy(state)
        pretended.ledger = Ledger(state.ledger.terms)
        pretended.ledger.now = state.ledger.now
        pretended.ledger.accounts.update(state.ledger.accounts)
        # What is still to be written down is the real state's affair.
        pretended.expired, pretended.ended = {}, {}
        pretended.spending = state.spending.copy()
        if state.pacing.active:
            pretended.pacing = deepcopy(state.pacing)
        super().__init__(pretended, policy, entropy, Scribe(pretended, entropy))
        self._real = state

    def play(self, intents: Sequence[Intent], now: Micros) -> list[Decision]:
        self._stand_in({pool for intent in intents for pool in self._pools(intent)})
        return [self._step(f"step {index}", intent, now) for index, intent in enumerate(intents)]

    def _stand_in(self, pools: set[str]) -> None:
        """Copies of what these pools are, where there are none yet; others are only looked at."""
        pretended, real = self.state.ledger.accounts, self._real.ledger.accounts
        new = [pool for pool in sorted(pools) if pretended[pool] is real[pool]]
        for pool in new:
            pretended[pool] = deepcopy(real[pool])
        if new:
            self.state.book = self.state.book.apart(new)

    def _pools(self, intent: Intent) -> list[str]:
        # Not the course of the intent: that would hold on to the account before it is copied.
        try:
            binding = self._real.graph.bind(intent)
        except LookupError as error:
            raise InvalidRequest(str(error.args[0]), code="unknown_pin") from error
        real = self._real
        draws = draws_of(binding, self.policy.levels(binding, intent))
        return [real.divisions.drawn(real, draw.pool, intent) for draw in draws]

    def _step(self, name: str, intent: Intent, now: Micros) -> Decision:
        decided, _, done = self._decide(intent, now, None)
        self.state.asked = (name, submitted(intent, "", ""))
        self.state.asked_as = intent.identity_id
        fold(self.state, now, done.dimensions, name, decided)
        return decision_of("", now, decided, self.state.policy_version)

    def _course(self, intent: Intent) -> Course:
        # a substitute draws from pools of its own
        self._stand_in(set(self._pools(intent)))
        return super()._course(intent)
