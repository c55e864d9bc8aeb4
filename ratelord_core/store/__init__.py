"""What the core asks of a store; stores themselves are plugins."""

from ratelord_core.store.event_store import EventQuery, EventStore, Head, StoreFactory
from ratelord_core.store.snapshot_store import Snapshot, SnapshotStore

__all__ = ["EventQuery", "EventStore", "Head", "Snapshot", "SnapshotStore", "StoreFactory"]
