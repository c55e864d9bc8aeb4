"""What a log yields, looked at without starting a daemon."""

from __future__ import annotations

from typing import NamedTuple

from ratelord_core.engine.reader import Reader
from ratelord_core.forecast import TrackRecord
from ratelord_core.model.instant import Micros
from ratelord_core.model.views import IdentityView, PoolView
from ratelord_core.replay import Blank, replay
from ratelord_core.store import EventQuery, EventStore


class Rebuilt(NamedTuple):
    """The pools and identities that ``events`` events yield, as readers are shown them."""

    events: int
    pools: list[PoolView]
    identities: list[IdentityView]


def rebuild(store: EventStore, blank: Blank, now: Micros, up_to: int | None = None) -> Rebuilt:
    """Replay the log, up to and with the seq ``up_to`` (None: all of it), and let time pass until
    ``now``. Raises ``StoreCorrupt`` naming the event that cannot be read."""
    seq = store.head().seq if up_to is None else up_to
    reader = Reader(replay(store.read(EventQuery(before=seq + 1)), blank.state()))
    return Rebuilt(seq, reader.pools(now), reader.identities())


def scored(store: EventStore, blank: Blank) -> dict[str, TrackRecord]:
    """How the forecasts of every pool fared along a log, by the model that ``blank`` has: it need
    not be the one that was asked at the time."""
    seq = store.head().seq
    return replay(store.read(EventQuery(before=seq + 1)), blank.state()).book.records()
