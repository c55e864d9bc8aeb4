"""What the core asks of a store; stores themselves are plugins."""

from ratelord_core.store.event_store import (
    EventQuery,
    EventStore,
    Head,
    StagingEventStore,
    StoreFactory,
)
from ratelord_core.store.snapshot_store import Snapshot, SnapshotStore

__all__ = [
    "EventQuery",
    "EventStore",
    "Head",
    "Snapshot",
    "SnapshotStore",
    "StagingEventStore",
    "StoreFactory",
]
