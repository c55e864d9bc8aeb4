"""Writes down what is decided: applies it to the state and keeps the draft for the journal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from ratelord_core.engine.state import State
from ratelord_core.events.envelope import Draft, Source
from ratelord_core.events.payloads import HoldExpired, Payload, ResetObserved
from ratelord_core.model.dimensions import DAEMON, Dimensions
from ratelord_core.model.ids import Entropy, uuid7, uuid_text
from ratelord_core.model.instant import SECOND, Micros

_EXPIRIES_SHARED: Micros = SECOND // 10


class Scribe:
    """The only way to change the state: apply an event and keep it for the log, as one step."""

    def __init__(self, state: State, entropy: Entropy) -> None:
        self.state = state
        self._entropy = entropy
        self._drafts: list[Draft] = []
        self._expired_told: Micros = 0

    def new_id(self, now: Micros) -> bytes:
        """A fresh event id."""
        return uuid7(now, self._entropy)

    def write(
        self,
        now: Micros,
        payload: Payload,
        dimensions: Dimensions = DAEMON,
        *,
        door: str = "daemon",
        event_id: bytes | None = None,
        intent_id: bytes = b"",
    ) -> Any:
        """Write an event down; what its fold found."""
        identity = event_id or self.new_id(now)
        draft = Draft(identity, now, payload, dimensions, source(door), intent_id)
        return self.keep(draft, uuid_text(intent_id or identity))

    def keep(self, draft: Draft, intent_id: str) -> Any:
        """Apply a draft, which belongs to the intent of that name; what its fold found."""
        found = self.state.apply(draft.ts_event, draft.dimensions, intent_id, draft.payload)
        self._drafts.append(draft)
        return found

    def turn(self, now: Micros, pools: Iterable[str] = ()) -> None:
        """Let time pass: what expired and which windows ended is written down. ``pools`` are those
        that will be looked at. Under load holds expire all the time; those of a tenth of a second
        share an event, which some later turn writes."""
        state = self.state
        state.ledger.bring(pools, now)
        if not state.ledger.is_quiet(now):
            state.pass_time(now)
        if state.expired and now - self._expired_told >= _EXPIRIES_SHARED:
            self._expired_told = now
            lines = tuple(
                (intent_id, pool, gone.held, gone.at)
                for (intent_id, pool), gone in state.expired.items()
            )
            self.write(now, HoldExpired(expired=lines, costs=tuple(_costs(state))))
        for reset in list(state.ended.values()) if state.ended else ():
            event = ResetObserved(
                pool=reset.pool, used=reset.used, reset_at=reset.at, next_reset_at=reset.next_at
            )
            self.write(now, event)

    def take(self) -> list[Draft]:
        """The drafts since the last call, for the journal."""
        drafts, self._drafts = self._drafts, []
        return drafts


def _costs(state: State) -> Iterator[tuple[str, int]]:
    """What was expected of the intents that expired: told with the first of their holds."""
    for intent_id, pool in state.expired if state.prices.lists else ():
        hold = state.ledger.find(intent_id)
        first = None if hold is None else next(iter(hold.resolved), None)
        if hold is not None and hold.note is not None and pool == first and hold.note.cost >= 0:
            yield intent_id, hold.note.cost


@lru_cache(maxsize=64)
def source(door: str) -> Source:
    """The door as the origin of an event."""
    return Source(door)
