"""Rebuild the whole state from the log."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ratelord_core.engine import State
from ratelord_core.errors import StoreCorrupt
from ratelord_core.events.codec import open_record
from ratelord_core.events.record import Record
from ratelord_core.forecast import ForecastModelFactory
from ratelord_core.forecast.book import ForecastBook
from ratelord_core.graph import GraphFactory


class Blank:
    """Makes empty states of one daemon's kind of graph and forecast model."""

    def __init__(self, graphs: GraphFactory, models: ForecastModelFactory) -> None:
        self._graphs = graphs
        self._models = models

    def state(self) -> State:
        """A state in which nothing has happened."""
        return State(self._graphs.build(), ForecastBook(self._models))


def replay(records: Iterable[Record], state: State) -> State:
    """Fold records into a state, in order. Raises ``StoreCorrupt`` naming the event that cannot
    be read."""
    seq = 0
    try:
        for record in records:
            seq = record.seq
            state.replay(open_record(record))
    except (msgspec.DecodeError, LookupError, ValueError) as error:
        raise StoreCorrupt(
            f"event {seq} cannot be replayed: {error}; run ratelord events verify"
        ) from error
    return state
