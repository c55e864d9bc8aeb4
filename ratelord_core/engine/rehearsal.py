"""Rehearses a plan: every intent is decided after the ones before it, on a ledger of its own.

The pools that the plan draws from are copied, so that whatever the ledger does to them stays in the
copy. Nothing is written down, no hold is placed, no estimate learns.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy, deepcopy

from ratelord_core.engine.answering import decision_of
from ratelord_core.engine.negotiator import Negotiator
from ratelord_core.engine.scribe import Scribe
from ratelord_core.engine.state import State
from ratelord_core.errors import InvalidRequest
from ratelord_core.events.payloads import IntentDecided
from ratelord_core.graph import Draw
from ratelord_core.ledger import Ledger, Need
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
        pretended.ledger.accounts = dict(state.ledger.accounts)
        # What is still to be written down is the real state's affair.
        pretended.expired, pretended.ended = {}, {}
        super().__init__(pretended, policy, entropy, Scribe(pretended, entropy))
        self._real = state

    def play(self, intents: Sequence[Intent], now: Micros) -> list[Decision]:
        for intent in intents:
            self._stand_in(intent)
        return [self._step(f"step {index}", intent, now) for index, intent in enumerate(intents)]

    def _stand_in(self, intent: Intent) -> None:
        """Copies of the pools that an intent draws from; the others are only looked at."""
        pretended = self.state.ledger.accounts
        for draw in self._draws(intent):
            real = self._real.ledger.accounts[draw.pool]
            if pretended[draw.pool] is real:
                pretended[draw.pool] = deepcopy(real)

    def _draws(self, intent: Intent) -> tuple[Draw, ...]:
        # Not the course of the intent: that would hold on to the account before it is copied.
        try:
            return self._real.graph.bind(intent).draws
        except LookupError as error:
            raise InvalidRequest(str(error.args[0]), code="unknown_pin") from error

    def _step(self, name: str, intent: Intent, now: Micros) -> Decision:
        decided, _ = self._decide(intent, now, None)
        if decided.decision != "deny_with_reason":
            self._hold(name, intent, decided, now)
        return decision_of("", now, decided, self.state.policy_version)

    def _hold(self, name: str, intent: Intent, decided: IntentDecided, now: Micros) -> None:
        needs = [Need(line.pool, line.units, line.lifetime) for line in decided.holds]
        course = self._course(intent)
        asker = course.urgent if intent.urgency == "high" else course.asker
        self.state.ledger.place(name, asker, needs, now + decided.start, now)
