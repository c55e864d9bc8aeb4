"""Where a replay begins: at a daemon's snapshot, if it is believed, else with the first event."""

from __future__ import annotations

from typing import NamedTuple

from ratelord_core.clock import SteppedClock
from ratelord_core.daemon.snapshots import DoubtError, Snapshots
from ratelord_core.engine import State
from ratelord_core.hindsight.blank_book import BlankBook
from ratelord_core.parts import Parts
from ratelord_core.store import EventQuery, EventStore, SnapshotStore


class Start(NamedTuple):
    """Two equal states after the event ``seq`` (0: before the first): one for the candidate, and
    one for the past, which keeps no forecasts."""

    state: State
    past: State
    seq: int = 0


def from_nothing(parts: Parts, model: str, graph: str) -> Start:
    """The beginning of the log."""
    blank = parts.blank(model, graph)
    return Start(blank.state(), State(blank.state().graph, BlankBook(parts.model(model))))


def from_snapshot(
    store: EventStore, kept: SnapshotStore, parts: Parts, model: str, graph: str, before: int
) -> Start:
    """The newest snapshot before that event, under the conditions on which a daemon believes it,
    and only if its forecasts are of this model; else the beginning of the log."""
    snapshots = Snapshots(store, kept, parts.blank(model, graph), SteppedClock())
    try:
        state, seq = snapshots.believed(before)
        past, again = snapshots.believed(before)
    except DoubtError:
        return from_nothing(parts, model, graph)
    if not seq or again != seq or state.book.model_id != model:
        return from_nothing(parts, model, graph)
    past.book = BlankBook(parts.model(model))
    return Start(state, past, seq)


def first_since(store: EventStore, since: int) -> int:
    """The first event that was written then or later; 0 without one."""
    found = next(iter(store.read(EventQuery(since=since, limit=1))), None)
    return 0 if found is None else found.seq
