"""Reads a log from end to end, without the ledger's code, and says what must not be."""

from __future__ import annotations

import heapq
from pathlib import Path

from ratelord_core import plugins
from ratelord_core.events.codec import open_record
from ratelord_core.events.payloads import IntentDecided, IntentReported
from ratelord_core.events.verify import verify
from ratelord_core.store import EventQuery, EventStore

SPENT, SCARCE, JOBS = "soak/spent", "soak/scarce", "soak/jobs"


class Audit:
    """What a log says: every intent that was decided, and all that was promised too much.

    ``limits`` are those of pools that never reset while the log grew (``SPENT`` and ``SCARCE``) and
    of the pool of things at once (``JOBS``).
    """

    def __init__(self, db: Path, limits: dict[str, int]) -> None:
        self.decided: set[str] = set()
        self.reported: set[str] = set()
        self.faults: list[str] = []
        self._limits = limits
        self._taken = dict.fromkeys((SPENT, SCARCE), 0)
        self._jobs: dict[str, int] = {}
        self._ends: list[tuple[int, str]] = []
        stores = plugins.load().named("ratelord_register_stores")
        store = stores["sqlite"].open_events(db, exclusive=False)
        try:
            self._walk(store)
            proof = verify(store.read(EventQuery()))
        finally:
            store.close()
        self.events = proof.count
        if proof.fault is not None:
            self.faults.append(f"event {proof.fault.seq}: {proof.fault.kind}: {proof.fault.detail}")

    def _walk(self, store: EventStore) -> None:
        for record in store.read(EventQuery()):
            event = open_record(record)
            if isinstance(event.payload, IntentDecided):
                self._decided(event.intent_id, event.ts_event, event.payload)
            elif isinstance(event.payload, IntentReported):
                self._reported(event.intent_id, event.payload)

    def _decided(self, name: str, at: int, said: IntentDecided) -> None:
        if name in self.decided:
            self.faults.append(f"{name} was decided twice")
        self.decided.add(name)
        while self._ends and self._ends[0][0] <= at:
            end, gone = heapq.heappop(self._ends)
            if self._jobs.get(gone) == end:
                del self._jobs[gone]
        for line in said.holds:
            if line.pool == JOBS:
                self._jobs[name] = at + said.start + line.lifetime
                heapq.heappush(self._ends, (self._jobs[name], name))
                self._check(JOBS, len(self._jobs), name)
            else:
                self._taken[line.pool] += line.units
                self._check(line.pool, self._taken[line.pool], name)

    def _reported(self, name: str, said: IntentReported) -> None:
        if name in self.reported:
            self.faults.append(f"{name} was reported twice")
        self.reported.add(name)
        self._jobs.pop(name, None)

    def _check(self, pool: str, taken: int, name: str) -> None:
        if taken > self._limits[pool]:
            self.faults.append(f"{name} takes {pool} to {taken} of {self._limits[pool]}")
