"""What the core asks of a store; stores themselves are plugins."""

from ratelord_core.store.event_store import EventQuery, EventStore, Head, StoreFactory

__all__ = ["EventQuery", "EventStore", "Head", "StoreFactory"]
