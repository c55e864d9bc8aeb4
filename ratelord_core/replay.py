"""Rebuild the whole state from the log."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec

from ratelord_core.control import ControllerFactory, Pacing
from ratelord_core.engine import State
from ratelord_core.errors import StoreCorrupt
from ratelord_core.events.codec import happening_of
from ratelord_core.events.record import Record
from ratelord_core.forecast import ForecastModelFactory
from ratelord_core.forecast.book import ForecastBook
from ratelord_core.graph import GraphFactory
from ratelord_core.guarded import unguarded
from ratelord_core.model.instant import Micros


class Blank:
    """Makes empty states of one daemon's kind of graph and forecast model."""

    def __init__(
        self,
        graphs: GraphFactory,
        models: ForecastModelFactory,
        controllers: Mapping[str, ControllerFactory[Any]] | None = None,
    ) -> None:
        self._graphs = graphs
        self._models = models
        self._controllers = controllers

    def state(self) -> State:
        """A state in which nothing has happened."""
        book, pacing = ForecastBook(self._models), Pacing(self._controllers)
        return State(self._graphs.build(), book, pacing)

    def packages(self) -> frozenset[str]:
        """The packages whose objects are in its states, beside the core's own."""
        parts = (self._graphs, self._models, *(self._controllers or {}).values())
        return frozenset(type(unguarded(part)).__module__.partition(".")[0] for part in parts)


def replay(records: Iterable[Record], state: State) -> State:
    """Fold records into a state, in order. Raises ``StoreCorrupt`` naming the event that cannot
    be read."""
    seq = 0
    apply = state.apply
    try:
        with without_garbage():
            for record in records:
                seq = record.seq
                at, who, intent_id, payload = happening_of(record)
                apply(at, who, intent_id, payload)
    except (msgspec.DecodeError, LookupError, ValueError) as error:
        raise StoreCorrupt(
            f"event {seq} cannot be replayed: {error}; run ratelord events verify"
        ) from error
    return state


@contextmanager
def without_garbage() -> Iterator[None]:
    """Nobody looks for garbage meanwhile: who replays or plays makes things by the hundred thousand
    that last, and hardly a cycle; looking for those costs a third."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def figures(state: State, now: Micros) -> dict[str, list[int | None]]:
    """The numbers by which two states are compared: for each pool its limit, used, held, scheduled,
    reset and all that was ever settled; under ``""`` how many holds are open and how many
    identities are known. Time passes until ``now``."""
    state.pass_time(now)
    state.ledger.bring(list(state.ledger.accounts), now)
    told: dict[str, list[int | None]] = {"": [len(state.ledger.holds), len(list(state.identities))]}
    idle = set(state.ledger.accounts.idle(now))
    for key in state.ledger.accounts.keys() - idle:
        account = state.ledger.account(key, now)
        seen = account.figures(now)
        told[key] = [
            seen.limit,
            seen.used,
            seen.held,
            seen.scheduled,
            seen.reset_at,
            account.settled_total,
        ]
    return told
