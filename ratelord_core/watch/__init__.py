"""Polling every provider account on its own: schedule, backoff, circuit breaker, first attempts."""

from ratelord_core.watch.account import Account
from ratelord_core.watch.circuit import Circuit
from ratelord_core.watch.schedule import Load, Schedule
from ratelord_core.watch.sink import Sink
from ratelord_core.watch.watcher import Watcher

__all__ = ["Account", "Circuit", "Load", "Schedule", "Sink", "Watcher"]
