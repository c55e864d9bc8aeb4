"""Sealed records for tests of stores: small, distinct, in order of time."""

from __future__ import annotations

from collections.abc import Iterable

from ratelord_core.clock import SeededEntropy, SteppedClock
from ratelord_core.events.codec import Sealer
from ratelord_core.events.envelope import Draft
from ratelord_core.events.payloads import (
    DriftDetected,
    IntentDecided,
    IntentReported,
    IntentSubmitted,
    Payload,
)
from ratelord_core.events.record import GENESIS, Record
from ratelord_core.model.ids import uuid7
from ratelord_core.model.instant import Micros

STEP: Micros = 1500
"""Time between two records."""


class Scribe:
    """Writes records that follow one another, without a store: ``clock`` and ``entropy`` are its
    own, so that the same calls give the same bytes."""

    def __init__(self, seed: int = 0) -> None:
        self.clock = SteppedClock()
        self.entropy = SeededEntropy(seed)
        self.sealer = Sealer(SeededEntropy(seed + 1), seq=0, chain=GENESIS)

    def draft(self, payload: Payload, correlation_id: bytes = b"") -> Draft:
        """The payload as something to be written now."""
        now = self.clock.now()
        return Draft(uuid7(now, self.entropy), now, payload, correlation_id=correlation_id)

    def record(self, payload: Payload, correlation_id: bytes = b"") -> Record:
        """The payload as the next record, ``STEP`` after the one before."""
        now = self.clock.advance(STEP)
        return self.sealer.seal(self.draft(payload, correlation_id), now)

    def decision(self) -> list[Record]:
        """A question and its answer, written at one instant."""
        now = self.clock.advance(STEP)
        asked = self.draft(IntentSubmitted(expected_cost="1"))
        decided = self.draft(IntentDecided(), asked.event_id)
        return [self.sealer.seal(asked, now), self.sealer.seal(decided, now)]

    def day(self, rounds: int) -> list[Record]:
        """Rounds of two decisions, a report of the second and, every third round, a drift."""
        written: list[Record] = []
        for index in range(rounds):
            written += self.decision() + self.decision()
            written.append(self.record(IntentReported(), written[-2].event_id))
            if index % 3 == 0:
                written.append(self.record(_drift(index)))
        return written


def batches(records: Iterable[Record], size: int) -> list[list[Record]]:
    """The records in groups of at most ``size``."""
    listed = list(records)
    return [listed[at : at + size] for at in range(0, len(listed), size)]


def _drift(distance: int) -> DriftDetected:
    return DriftDetected(
        pool="mock/default", expected_low=0, expected_high=1, observed=2, distance=distance
    )
