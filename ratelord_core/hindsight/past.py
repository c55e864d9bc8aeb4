"""The past as a comparison needs it: what providers' numbers are to be weighed against."""

from __future__ import annotations

from collections.abc import Container
from typing import Any, Final

from ratelord_core.engine import State
from ratelord_core.events.codec import open_record
from ratelord_core.events.envelope import Event
from ratelord_core.events.lines import HeldLine
from ratelord_core.events.payloads import (
    HoldExtended,
    IntentDecided,
    IntentReported,
    IntentSubmitted,
    ProviderPollObserved,
    UsageObserved,
)
from ratelord_core.ledger import NOBODY, Asker
from ratelord_core.model.ids import pool_key
from ratelord_core.model.instant import Micros
from ratelord_core.model.observation import Observation
from ratelord_core.model.pool import declared_key
from ratelord_core.store import EventQuery, EventStore

_ANYBODY: Final = Asker(NOBODY)
"""Whose a hold of the past was does not matter any more."""
_TOLD: Final = (ProviderPollObserved.event_type, UsageObserved.event_type)


class Past:
    """The world under the policies of its time.

    What was asked and done counts in those pools only of which somebody outside ever told what is
    used (``told``; None: in all): of the others nothing is compared with the ledger.
    """

    def __init__(self, state: State, told: Container[str] | None = None) -> None:
        self.state = state
        self.ledger = state.ledger
        self._told = told

    @property
    def policy_version(self) -> str:
        """The policy that was in force."""
        return self.state.policy_version

    def unit(self, pool: str) -> str:
        """The unit of a pool; "" for one that was not there."""
        account = self.ledger.accounts.get(declared_key(pool))
        return "" if account is None else account.pool.unit

    def replay(self, event: Event) -> None:
        """The log's next event."""
        at, payload = event.ts_event, event.payload
        kind = type(payload)
        if kind is IntentSubmitted:
            return  # the state would keep it for its graph and its forecasts
        if kind is IntentDecided:
            self._decided(at, event.intent_id, payload)
        elif kind is IntentReported:
            self._reported(at, event.intent_id, payload)
        elif kind is HoldExtended:
            self._extended(at, payload)
        else:
            self.state.replay(event)

    def _decided(self, at: Micros, intent_id: str, e: Any) -> None:
        lines = [line for line in e.holds if self._counts(line)]
        if lines:
            self.ledger.place(intent_id, _ANYBODY, lines, at + e.start, at)

    def _counts(self, line: HeldLine) -> bool:
        return self._told is None or line.pool in self._told

    def _reported(self, at: Micros, intent_id: str, e: Any) -> None:
        if self.ledger.find(intent_id) is not None:
            self.ledger.settle(intent_id, dict(e.settled), at, e.body)

    def _extended(self, at: Micros, e: Any) -> None:
        if e.intent_id in self.ledger.holds:
            self.ledger.extend(e.intent_id, e.expires_at, at)


def told_of(store: EventStore, until: Micros | None) -> frozenset[str]:
    """The pools of which the log has what somebody outside counted as used, or as left."""
    found: set[str] = set()
    for record in store.read(EventQuery(types=_TOLD, until=until)):
        payload = open_record(record).payload
        seen: tuple[Observation, ...] = ()
        if isinstance(payload, ProviderPollObserved):
            seen = payload.observations
        elif isinstance(payload, UsageObserved):
            seen = (payload.observation,)
        found.update(
            pool_key(one.provider_id, one.pool_id)
            for one in seen
            if one.used is not None or one.remaining is not None
        )
    return frozenset(found)
