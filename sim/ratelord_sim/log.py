"""The daemon's log on the stage: kept as it was written, and sealed into records when one reads."""

from __future__ import annotations

from collections.abc import Sequence

from ratelord_core.clock import SeededEntropy
from ratelord_core.engine.answering import decision_of
from ratelord_core.events.codec import Sealer
from ratelord_core.events.envelope import Draft
from ratelord_core.events.payloads import IntentDecided, IntentSubmitted, PolicyUpdated
from ratelord_core.events.record import GENESIS, Record
from ratelord_core.model.decision import Decision
from ratelord_core.model.ids import uuid_text
from ratelord_core.model.instant import Micros
from ratelord_core.store import EventQuery
from ratelord_core.testing.memory_store import MemoryEventStore


class Log:
    """An append-only log. Sealing costs more than deciding, so it waits until somebody reads: a
    restart, an audit. ``append`` takes what is durable from now on."""

    def __init__(self, seed: int) -> None:
        self._store = MemoryEventStore()
        self._sealer = Sealer(SeededEntropy(seed), seq=0, chain=GENESIS)
        self._unsealed: list[tuple[Draft, Micros]] = []
        self._decided: dict[bytes, tuple[Micros, IntentDecided, str]] = {}
        self._policy = ""
        self.newest: Micros = 0
        self.length = 0
        self.repeats = 0
        """Questions that were decided although their key had been decided before."""
        self._keys: set[str] = set()

    def append(self, drafts: Sequence[Draft], now: Micros) -> None:
        """Write these down, all of them."""
        self.newest = now
        self.length += len(drafts)
        for draft in drafts:
            self._unsealed.append((draft, now))
            payload = draft.payload
            if isinstance(payload, IntentDecided):
                self._decided[draft.correlation_id] = (draft.ts_event, payload, self._policy)
            elif isinstance(payload, IntentSubmitted):
                self._remember(payload.key)
            elif isinstance(payload, PolicyUpdated):
                self._policy = payload.version

    def _remember(self, key: str) -> None:
        if key and key in self._keys:
            self.repeats += 1
        self._keys.add(key)

    def records(self) -> list[Record]:
        """The whole log as a store keeps it."""
        sealed = [self._sealer.seal(draft, at) for draft, at in self._unsealed]
        self._unsealed.clear()
        self._store.append(sealed)
        return list(self._store.read(EventQuery()))

    def decision(self, intent_id: bytes) -> Decision | None:
        """The answer that stands in the log; None if there is none."""
        found = self._decided.get(intent_id)
        if found is None:
            return None
        at, payload, policy = found
        return decision_of(uuid_text(intent_id), at, payload, policy)
